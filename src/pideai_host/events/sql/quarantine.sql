insert into pideai_host.quarantine (door, reason, detail, body)
values (%(door)s, %(reason)s, %(detail)s, %(body)s)
