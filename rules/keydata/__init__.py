"""Key data: 户号, 电话, 地址, 姓名, 金额, 时间 in the turns of a call, and whether the agent said them back."""
