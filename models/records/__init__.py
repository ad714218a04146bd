"""The nouns of the product: frozen, validated records, standard library only.

`Call` is a row of the call list, `Recording` its sound, `Dialogue` what was heard, `Scorecard` how it was judged,
`PointsEntry` what was booked. `codec` turns any of them into plain dictionaries and back.
"""
