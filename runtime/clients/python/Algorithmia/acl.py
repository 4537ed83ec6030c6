"""Who may read a collection."""


class AclInner(object):
    def __init__(self, pseudonym, acl_string):
        self.pseudonym = pseudonym
        self.acl_string = acl_string

    def __repr__(self):
        return "AclType(pseudonym=%s,acl_string=%s)" % (self.pseudonym, self.acl_string)


class AclType(object):
    public = AclInner("public", "user://*")
    my_algos = AclInner("my_algos", "algo://.my/*")
    private = AclInner("private", None)
    default = my_algos
    types = (public, my_algos, private)

    @staticmethod
    def from_acl_response(acl_list):
        wanted = acl_list[0] if acl_list else None
        for kind in AclType.types:
            if kind.acl_string == wanted:
                return kind
        raise ValueError("Invalid acl string %s" % wanted)


class Acl(object):
    def __init__(self, read_acl):
        self.read_acl = read_acl

    @staticmethod
    def from_acl_response(acl_response):
        if "read" not in acl_response:
            raise ValueError("Response does not contain read ACL")
        return Acl(AclType.from_acl_response(acl_response["read"]))

    def to_api_param(self):
        text = self.read_acl.acl_string
        return {"read": [] if text is None else [text]}


class ReadAcl(object):
    public = Acl(AclType.public)
    private = Acl(AclType.private)
    my_algos = Acl(AclType.my_algos)
