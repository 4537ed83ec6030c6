"""Loads a Python algorithm and serves it on the pipe protocol. Runs inside the sandbox, in the algorithm's folder.

Two flavours, as in the vendor's images: a module with `apply(input)`, or one that runs the ADK in its last lines.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
CLIENTS = os.path.join(os.path.dirname(os.path.dirname(HERE)), "clients", "python")


def name_in_conf():
    try:
        with open("algorithmia.conf", encoding="utf-8-sig") as conf:
            return json.load(conf).get("algoname")
    except FileNotFoundError:
        return None


def name_in_manifest():
    try:
        with open("millrace.yaml", encoding="utf-8-sig") as manifest:
            for line in manifest:
                key, colon, value = line.partition(":")
                if key == "name" and colon:
                    return value.partition(" #")[0].strip().strip("'\"") or None
    except FileNotFoundError:
        pass
    return None


def only_source():
    try:
        files = sorted(name for name in os.listdir("src") if name.endswith(".py"))
    except FileNotFoundError:
        files = []
    names = [name[:-3] for name in files if name != "__init__.py" and not name.endswith("_test.py")]
    if len(names) != 1:
        sys.exit(
            "Which file is the algorithm? Name it in algorithmia.conf (algoname) or millrace.yaml (name); "
            "src holds %s." % (", ".join(names) or "no Python file")
        )
    return names[0]


def module_name():
    """The module to import: src.NAME; NAME.NAME in the oldest layout; src.Algorithm in the conda one."""
    name = name_in_conf() or name_in_manifest() or only_source()
    for folder, file in (("src", name), (name, name), ("src", "Algorithm")):
        if os.path.exists(os.path.join(folder, file + ".py")) or os.path.isdir(os.path.join(folder, file)):
            return folder + "." + file
    sys.exit("The algorithm is called %s, but there is no src/%s.py." % (name, name))


def await_adoption():
    """Started ahead of any algorithm: one line on stdin says where one is mounted now."""
    print("PIPE_ADOPTABLE", flush=True)
    line = b""
    while not line.endswith(b"\n"):
        part = os.read(0, 4096)
        if not part:
            sys.exit(0)
        line += part
    os.chdir(json.loads(line)["adopt"])
    sys.path_importer_cache.clear()  # it knows the folders as they were, empty
    import sitecustomize

    sitecustomize.offer_dependencies()


def main():
    import millrace_pipe

    if hasattr(sys.stdout, "reconfigure"):
        # Line by line, so that what stood before a time limit or a crash is known.
        sys.stdout.reconfigure(line_buffering=True)
    millrace_pipe.open_relay()
    if sys.argv[1:] == ["fork"]:
        del sys.argv[1:]
        millrace_pipe.fork_calls = True
    if sys.argv[1:] == ["adopt"]:
        del sys.argv[1:]
        await_adoption()
    # The folder for `from src.x import y`, as in the vendor's images; `src` for `from x import y`, which Python 2 knew
    # and the conda images as well. Last of all, so that src/logging.py does not take the place of a module of Python.
    sys.path += [os.getcwd(), os.path.join(os.getcwd(), "src")]
    name = module_name()
    __import__(name)
    if millrace_pipe.served:
        return
    apply = getattr(sys.modules[name], "apply", None)
    if not callable(apply):
        sys.exit("%s.py has no function apply(input)." % name.replace(".", "/"))
    millrace_pipe.serve(apply)


if __name__ == "__main__":
    # Ours come first: the vendor's client of the same name fails on current Pythons.
    sys.path[0] = CLIENTS
    main()
