"""Jobs that call a partner's HTTP API with a credential that expires: however many of them are
refused at once, in however many processes, one renews it and the others wait for that.
"""
