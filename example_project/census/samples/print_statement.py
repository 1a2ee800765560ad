"""A module of the time before Python 3, of which it knows nothing."""


def greet(name):
    print "Hello, %s" % name
