"""Showing: what a night found, as a page and a workbook. Pure: records in, HTML and Excel out; no database, no sound.

    data = NightData(day=..., calls=(JudgedCall(...), ...), ...)      # zhijian.reports.data
    html = render_html(data)                                          # zhijian.reports.night
    write_xlsx(data, file)                                            # zhijian.reports.workbook, a binary file

Both mask customer data first (zhijian.reports.redact) and draw on the same tables (zhijian.reports.tables), so that no
number differs between them. Call ids, agent numbers, times, hashes and the report's own figures stay as they are.
"""
