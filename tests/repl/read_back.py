"""Read what the program wrote in several modes, and compare it with what it wrote as ndjson.

    read_back.py records WANTED MODE=FILE...    records: seq, time, labels, kind, codec, bytes, body
    read_back.py rows WANTED MODE=FILE...       rows of named columns: each cell, in its order
    read_back.py card WANTED MODE=FILE...       the same of a card (info, version)
    read_back.py safe WANTED MODE=FILE...       no byte that could steer a terminal (all do that)

Everything is read with the readers that Python has, or by what `flume help modes` says.
"""
import base64
import csv
import io
import json
import re
import sys


def unescape(shown):
    """Bytes that a cell of plain, tsv or line stands for."""
    parts = re.split(r"(\\x[0-9a-f]{2}|\\.)", shown)
    plain = {"\\n": b"\n", "\\t": b"\t", "\\r": b"\r"}
    out = b""
    for part in parts:
        if re.fullmatch(r"\\x[0-9a-f]{2}", part):
            out += bytes([int(part[2:], 16)])
        elif len(part) == 2 and part[0] == "\\":
            out += plain.get(part, part[1].encode())
        else:
            out += part.encode()
    return out


def lines_of(text):
    """Lines end in newlines alone, whatever else Unicode has."""
    return text.split("\n")[:-1]


def md_cells(line):
    assert line.startswith("| ") and line.endswith(" |"), line
    cells = re.split(r"(?<!\\)((?:\\\\)*) \| ", line[2:-2])
    out = [cells[0]]
    for backslashes, cell in zip(cells[1::2], cells[2::2]):
        out[-1] += backslashes
        out.append(cell)
    return [unescape(re.sub(r"\\([|<>*_`\[\]~])", r"\1", cell)) for cell in out]


def read_cells(mode, text):
    """(names or None, rows of cells as bytes)"""
    if mode == "csv":
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
        return rows[0], [[cell.encode() for cell in row] for row in rows[1:]]
    if mode == "tsv":
        rows = [line.split("\t") for line in lines_of(text)]
        return rows[0], [[unescape(cell) for cell in row] for row in rows[1:]]
    if mode == "plain":
        return None, [[unescape(cell) for cell in line.split("\t")] for line in lines_of(text)]
    if mode == "md":
        rows = lines_of(text)
        assert re.fullmatch(r"(\| ---:? )+\|", rows[1]), rows[1]
        return [name.decode() for name in md_cells(rows[0])], [md_cells(row) for row in rows[2:]]
    assert mode == "line", mode
    rows, names = [], None
    for block in text[:-1].split("\n\n"):
        lines = block.split("\n")
        names = [line.split(" ")[0] for line in lines]
        width = max(map(len, names)) + 2
        rows.append([unescape(line[width:]) for line in lines])
    return names, rows


def objects(mode, text):
    return json.loads(text) if mode == "json" else [json.loads(line) for line in lines_of(text)]


def body_of(enc, payload):
    """JSON bodies are compared as values: white space between tokens is not kept."""
    if enc == "json":
        return base64.b64encode(json.dumps(payload).encode()).decode()
    if enc == "utf8":
        return base64.b64encode(payload.encode()).decode()
    return payload


def normal(codec, body):
    if codec == "json":
        try:
            return body_of("json", json.loads(body.decode()))
        except ValueError:
            pass
    return base64.b64encode(body).decode()


def split_labels(joined):
    parts = re.findall(r"(?:\\.|[^,\\])+", joined)
    return [re.sub(r"\\(.)", r"\1", part) for part in parts]


def records(mode, text):
    if mode in ("json", "ndjson"):
        for o in objects(mode, text):
            yield [o["seq"], o["time"], o["labels"], str(o["kind"]), str(o["codec"]), o["bytes"],
                   body_of(o["enc"], o["payload"])]
        return
    names, rows = read_cells(mode, text)
    names = names or ["seq", "time", "labels", "kind", "codec", "bytes", "payload"]
    for row in rows:
        o = dict(zip(names, row))
        assert len(row) == len(names), row
        enc = o.get("enc", b"").decode()
        if enc == "json":
            body = body_of("json", json.loads(o["payload"].decode()))
        elif enc == "b64":
            body = o["payload"].decode()
        else:
            body = normal(o["codec"].decode(), o["payload"])
        yield [int(o["seq"].decode().lstrip("@")), o["time"].decode(),
               split_labels(o["labels"].decode()), o["kind"].decode(), o["codec"].decode(),
               int(o["bytes"]), body]


def cell_of(value):
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return json.dumps(value)
    return value if isinstance(value, str) else json.dumps(value)


def same_look(cell, mode):
    """@17 and yes are 17 and true in the forms that people look at."""
    text = cell.decode("utf-8", "replace")
    if mode in ("plain", "line", "md"):
        text = re.sub(r"^@(?=\d+$)", "", text)
        text = {"yes": "true", "no": "false"}.get(text, text)
    return text


def rows_of(mode, text, is_card):
    if mode in ("json", "ndjson"):
        for o in objects(mode, text):
            yield [cell_of(value) for key, value in o.items() if key != "type"]
    elif is_card and mode == "md":
        yield [same_look(md_cells(line)[1], mode) for line in lines_of(text)[2:]]
    elif is_card and mode == "plain":
        yield [same_look(cells[1], mode) for cells in read_cells(mode, text)[1]]
    else:
        for row in read_cells(mode, text)[1]:
            yield [same_look(cell, mode) for cell in row]


def check_safe(mode, text):
    allowed = "\n\t\r" if mode == "csv" else "\n\t" if mode in ("plain", "tsv") else "\n"
    for c in text:
        point = ord(c)
        control = point < 0x20 or 0x7F <= point < 0xA0
        turns = 0x202A <= point <= 0x202E or 0x2066 <= point <= 0x2069 or point in (0x2028, 0x2029)
        if (control and c not in allowed) or turns:
            sys.exit("%s has U+%04X" % (mode, point))


def read(mode, path):
    with open(path, "rb") as file:
        text = file.read().decode()  # Strictly: what is not UTF-8 never comes out.
    check_safe(mode, text)
    return text


def canonical(what, mode, text):
    if what == "records":
        return list(records(mode, text))
    rows = list(rows_of(mode, text, what == "card"))
    if mode == "csv":  # It has no way to say these: they are seen as escapes.
        odd = re.compile(r"\\x(00|1b|e2\\x80\\xae)")
        real = {"00": "\0", "1b": "\x1b", "e2\\x80\\xae": "\u202e"}
        rows = [[odd.sub(lambda match: real[match[1]], cell) for cell in row] for row in rows]
    return rows


def main():
    what, wanted_path = sys.argv[1:3]
    wanted_text = read("ndjson", wanted_path)
    wanted = [] if what == "safe" else canonical(what, "ndjson", wanted_text)
    for argument in sys.argv[3:]:
        mode, path = argument.split("=")
        text = read(mode, path)
        got = [] if what == "safe" else canonical(what, mode, text)
        if len(got) != len(wanted):
            sys.exit("%s: %d rows, not %d" % (mode, len(got), len(wanted)))
        for one, other in zip(wanted, got):
            if one != other:
                sys.exit("%s: %.300s\nbut ndjson: %.300s" % (mode, other, one))


main()
