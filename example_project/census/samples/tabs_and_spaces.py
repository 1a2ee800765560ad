"""Two editors, two ideas of what indents a line."""


def total(prices):
    result = 0
    for price in prices:
	result += price
        print(result)
    return result
