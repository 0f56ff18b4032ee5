#!/usr/bin/env python3
"""Checks a proof pack of Admintrail. Needs Python 3.8 or newer and nothing else.

    python3 verify.py [FOLDER | pack.zip] [--key KEY] [--checkpoint FILE]

Without FOLDER it checks the folder that it lies in. KEY is the verification key, and FILE a checkpoint,
that you have from somewhere else than from this pack.
Ends with 0: good, 1: tampered with, 2: wrong usage, 3: could not be checked.

From each row to the signature, one step after the other:

    event hash = SHA-256(00 | salt | canonical bytes)    canonical bytes = 01, then for each field its
                                                         length in 4 bytes (ffffffff: null) and its UTF-8
    block root = from the event hash up along block.path                      (RFC 6962, section 2.1)
    entry      = 01 | first | count | min_received | max_received | block root         (61 bytes)
    entry hash = SHA-256(00 | entry)
    root       = from the entry hash up along ledger.path: the one that the checkpoint has
    checkpoint = a signed note (C2SP signed-note): signed with Ed25519 (RFC 8032)

A row of somebody who was erased has two ways. Its hash of then, "was", goes up to the root as above. And
what the erasure left of it goes up to a statement of the erasure, which the ledger has further on:

    hash now   = SHA-256(00 | salt | canonical bytes)
    after      = from the hash now up along after.path: the one that the statement has
    entry      = 02 | 01 | 02 | at | first | last | events, then cutoff, panel, subject, by, approved_by,
                 reason and after, each as its length in 4 bytes (ffffffff: none) and its bytes
    root       = from the hash of the entry up along statement.ledger.path: the one of the checkpoint
"""
import base64, binascii, bisect, datetime, hashlib, itertools, json, os, re, struct, sys, zipfile, zlib

FIELDS = """id log seq kind count time received panel recorder recorder_epoch recorder_seq admin admin_name
known_by attempted acting_as ip user_agent session type method scheme host path query route action object
status outcome ending duration_us request_bytes response_bytes asset polling first path_bytes query_bytes
agent_bytes""".split()
PROOF = ["version", "seq", "salt", "block", "ledger"]
ERASED = ["version", "seq", "salt", "was", "block", "ledger", "statement", "after"]
INCLUSION = ["index", "size", "path"]
SAID = "cutoff panel subject by approved_by reason after".split()
MAX_LINE = 1 << 20


class Tampered(Exception):
    """What was checked is not what was recorded."""


class Malformed(Tampered):
    """It does not even look like what it should be."""


class Unknown(Exception):
    """It cannot be told whether it is."""


class Faulty(Exception):
    """All that was found to be wrong."""


# ---- Hashes and trees -----------------------------------------------------------------------------


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def node(left, right):
    return sha256(b"\1", left, right)


def left_size(size):
    """How many leaves lie on the left: the largest power of two below the size."""
    return 1 << ((size - 1).bit_length() - 1)


def climb(leaf, index, size, path):
    """The root over `size` leaves, of which `leaf` is the one with this index."""
    if size == 1 and not path:
        return leaf
    if size == 1 or not path:
        raise Tampered("a path has the wrong length")
    left = left_size(size)
    if index < left:
        return node(climb(leaf, index, left, path[:-1]), path[-1])
    return node(path[-1], climb(leaf, index - left, size - left, path[:-1]))


def grown(old, new, whole, old_root, path):
    """The roots over the first `old` and over all `new` leaves (RFC 6962, section 2.1.2)."""
    if old == new and whole and not path:
        return old_root, old_root
    if old == new and not whole and len(path) == 1:
        return path[0], path[0]
    if old == new or not path:
        raise Tampered("a path has the wrong length")
    left = left_size(new)
    if old <= left:
        before, after = grown(old, left, whole, old_root, path[:-1])
        return before, node(after, path[-1])
    before, after = grown(old - left, new - left, False, old_root, path[:-1])
    return node(path[-1], before), node(path[-1], after)


# ---- Ed25519 (RFC 8032, section 5.1), by the formulas of the curve; slow, and used a few times --------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    over = pow((1 + k) * (1 - k), -1, P)
    return (x1 * y2 + x2 * y1) * (1 - k) * over % P, (y1 * y2 + x1 * x2) * (1 + k) * over % P


def times(number, point):
    total = (0, 1)
    while number:
        if number & 1:
            total = add(total, point)
        point = add(point, point)
        number >>= 1
    return total


def to_point(text):
    """The point that 32 bytes stand for; None if there is none, or one of a small group."""
    number = int.from_bytes(text, "little")
    y, odd = number & (2**255 - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and odd):
        return None
    point = (x if x & 1 == odd else P - x, y)
    return None if times(8, point) == (0, 1) else point


def signed(public, message, signature):
    key, nonce = to_point(public), to_point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or key is None or nonce is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little")
    base = to_point((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
    return times(s, base) == add(nonce, times(h % ORDER, key))


# ---- Key and checkpoint ---------------------------------------------------------------------------


def read_hash(text, length=32):
    if type(text) is not str or not re.fullmatch("[0-9a-f]{%d}" % (2 * length), text):
        raise Tampered("a hash of its proof is none")
    return bytes.fromhex(text)


def from_base64(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("not the one spelling")
    return data


def read_key(text):
    """`name+id+base64 of 01 and the public key`, as (name, id, public key)."""
    try:
        name, key_id, rest = text.split("+", 2)
        data = from_base64(rest)
        key_id = read_hash(key_id, 4)
    except (ValueError, binascii.Error):
        raise Tampered("the key is not name+id+key")
    if len(data) != 33 or data[0] != 1 or sha256(name.encode(), b"\n", data)[:4] != key_id:
        raise Tampered("the key is damaged: its id is that of another one")
    return name, key_id, data[1:]


def read_given_key(text):
    """A key that somebody typed: a mistake in it says nothing of the pack."""
    try:
        return read_key(text)
    except Tampered as fault:
        raise Unknown("the key you gave: %s" % fault)


def open_checkpoint(note, key):
    """Size and root of the tree that the key signed, and its origin."""
    name, key_id, public = key
    try:
        text, lines = note.decode().rsplit("\n\n", 1)
        text += "\n"
        origin, size, root = text.split("\n")[:3]
        root = from_base64(root)
        if not re.fullmatch("0|[1-9][0-9]{0,18}", size) or len(root) != 32 or lines[-1:] != "\n":
            raise ValueError
        found = []
        for line in lines[:-1].split("\n"):
            dash, signer, data = line.split(" ")
            data = from_base64(data)
            if dash != "\u2014":
                raise ValueError
            if signer == name and data[:4] == key_id:
                found.append(data[4:])
    except (ValueError, binascii.Error):
        raise Malformed("it is not a signed checkpoint")
    if not found:
        raise Tampered("it is not signed by the key %s+%s" % (shown(name), key_id.hex()))
    if not all(signed(public, text.encode(), signature) for signature in found):
        raise Tampered("its signature is wrong: the text, the signature or the key was changed")
    if origin != name:
        raise Tampered("it speaks of another ledger than the key")
    return int(size), root, origin


# ---- Rows -----------------------------------------------------------------------------------------


def is_number(value, lowest=0, highest=2**64 - 1):
    return type(value) is int and lowest <= value <= highest


def read_path(path):
    if type(path) is not list or len(path) > 64:
        raise Tampered("a path of its proof is none")
    return [read_hash(step) for step in path]


def read_row(line):
    """The event of a line, whether it is an erased one, and its proof. A line has just one spelling:
    nothing hides in a name that stands there twice."""
    try:
        row = json.loads(line)
        again = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()
        event, erased = row["event"], "erased" in row
        proof = row["erased" if erased else "proof"]
        as_it_should = (
            again == line
            and list(row) == ["event", "erased" if erased else "proof"]
            and list(event) == FIELDS
            and all(value is None or type(value) is str for value in event.values())
            and list(proof) == (ERASED if erased else PROOF)
            and list(proof["block"]) == ["first", "count", "min_received", "max_received", "root", "path"]
            and list(proof["ledger"]) == INCLUSION
            and proof["version"] == 1
        )
        if erased:
            as_it_should = (
                as_it_should
                and list(proof["statement"]) == ["entry", "ledger"]
                and list(proof["statement"]["ledger"]) == list(proof["after"]) == INCLUSION
            )
    except (ValueError, KeyError, TypeError, RecursionError):
        as_it_should = False
    if not as_it_should:
        raise Tampered("the line is not a row of a pack")
    return event, erased, proof


def canonical(event):
    out = [b"\1"]
    for field in FIELDS:
        value = event[field]
        data = b"" if value is None else value.encode()
        out += [struct.pack(">I", 0xFFFFFFFF if value is None else len(data)), data]
    return b"".join(out)


def check_entry(entry, place, size, root, otherwise):
    """An entry stands in its place of the ledger."""
    if not is_number(place["index"]) or not is_number(place["size"]):
        raise Tampered("a number of its proof is none")
    if place["size"] != size or not place["index"] < size:
        raise Tampered("its proof is for a ledger of another size than the checkpoint's")
    if climb(sha256(b"\0", entry), place["index"], size, read_path(place["path"])) != root:
        raise Tampered(otherwise)


def check_block(event, proof, event_hash, size, root, otherwise):
    """An event with this hash stands in its place of its block, and the block in the ledger."""
    block = proof["block"]
    times = [block["min_received"], block["max_received"]]
    if not (
        is_number(proof["seq"])
        and is_number(block["first"])
        and is_number(block["count"], 1, 4096)
        and all(is_number(moment, -(2**63), 2**63 - 1) for moment in times)
    ):
        raise Tampered("a number of its proof is none")
    if event["seq"] != str(proof["seq"]):
        raise Tampered("its proof is for event %d" % proof["seq"])
    index = proof["seq"] - block["first"]
    if not 0 <= index < block["count"]:
        raise Tampered("its proof is for a block that it is not in")
    block_root = read_hash(block["root"])
    if climb(event_hash, index, block["count"], read_path(block["path"])) != block_root:
        raise Tampered(otherwise)
    if not re.fullmatch("-?[0-9]{1,19}", event["received"] or "") or not (
        times[0] <= int(event["received"]) <= times[1]
    ):
        raise Tampered("it was received outside of its block's time")
    entry = b"\1" + struct.pack(">QIqq", block["first"], block["count"], *times) + block_root
    check_entry(entry, proof["ledger"], size, root, "its block is not in the ledger that was signed")


def read_statement(entry):
    """What an erasure said of itself in the ledger."""
    said = {}
    try:
        kinds, rest = entry[:3], entry[35:]
        said["at"], said["first"], said["last"], said["events"] = struct.unpack(">qQQQ", entry[3:35])
        for name in SAID:
            length, rest = struct.unpack(">I", rest[:4])[0], rest[4:]
            said[name] = None
            if length != 0xFFFFFFFF:
                said[name], rest = rest[:length], rest[length:]
                if len(said[name]) != length:
                    raise ValueError
        for name in ("panel", "subject", "by", "approved_by"):
            said[name] = said[name] and said[name].decode()
        if rest or not is_number(said["events"], 1) or not said["by"]:
            raise ValueError
        if said["cutoff"] is not None:
            (said["cutoff"],) = struct.unpack(">q", said["cutoff"])
    except (ValueError, struct.error):
        raise Tampered("its statement is none")
    if kinds != b"\2\1\2" or len(said["after"] or b"") != 32:
        raise Tampered("its statement does not say what an erasure left")
    return said


def check_erased(event, proof, hash_now, size, root):
    """What stands here is what an erasure left, by a statement further on in the ledger."""
    statement, place = proof["statement"], proof["after"]
    try:
        entry = bytes.fromhex(statement["entry"])
    except (ValueError, TypeError):
        entry = b""
    if not entry or entry.hex() != statement["entry"]:
        raise Tampered("its statement is none")
    check_entry(entry, statement["ledger"], size, root, "its statement is not in the ledger that was signed")
    said, seq = read_statement(entry), proof["seq"]
    if statement["ledger"]["index"] <= proof["ledger"]["index"]:
        raise Tampered("its statement stands before it in the ledger")
    if not (
        said["first"] <= seq <= said["last"]
        and said["panel"] in (None, event["panel"])
        and (said["cutoff"] is None or int(event["received"]) < said["cutoff"])
    ):
        raise Tampered("its statement speaks of other events")
    # In the order of numbers: on either side are no more of them than the range has there.
    if not (
        place["size"] == said["events"]
        and is_number(place["index"], 0, min(said["events"] - 1, seq - said["first"]))
        and said["events"] - 1 - place["index"] <= said["last"] - seq
    ):
        raise Tampered("its place among the erased events cannot be that")
    if climb(hash_now, place["index"], said["events"], read_path(place["path"])) != said["after"]:
        raise Tampered("it is not what the erasure left: a field, the salt or the path was changed")
    return said


def check_row(event, erased, proof, size, root):
    """Returns what the erasure of an erased one said, and the last entry that all of it needs."""
    event_hash = sha256(b"\0", read_hash(proof["salt"], 16), canonical(event))
    if not erased:
        changed = "it is not the event that was recorded: a field, the salt or the path was changed"
        check_block(event, proof, event_hash, size, root, changed)
        return None, proof["ledger"]["index"]
    check_block(event, proof, read_hash(proof["was"]), size, root, "its hash of then is not in its block")
    said = check_erased(event, proof, event_hash, size, root)
    return said, proof["statement"]["ledger"]["index"]


# ---- events.csv, which says the same for people ------------------------------------------------------


def moment(text):
    micros = int(text) if re.fullmatch("-?[0-9]{1,19}", text) else None
    if micros is None or not -62135596800000000 <= micros < 253370764800000000:
        return text
    at = datetime.datetime(1970, 1, 1) + datetime.timedelta(microseconds=micros)
    return at.isoformat(timespec="microseconds") + "Z"


def csv_line(event):
    cells = []
    for field in FIELDS:
        value = event[field]
        if value is None:
            cells.append("")
            continue
        if field in ("time", "received"):
            value = moment(value)
        if value[:1] and value[0] in "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20":
            value = "'" + value
        cells.append('"' + value.replace('"', '""') + '"')
    return (",".join(cells) + "\r\n").encode()


class Csv:
    """Held against the rows, one after the other, as long as both are in step."""

    def __init__(self, file):
        self.file, self.in_step = file, file is not None
        if self.in_step:
            self.expect(("\ufeff" + ",".join(FIELDS) + "\r\n").encode(), "its first line is another one")

    def expect(self, data, fault):
        if self.in_step and self.file.read(len(data)) != data:
            self.in_step = False
            raise Tampered("events.csv: " + fault)

    def end(self):
        if self.in_step and self.file.read(1):
            raise Tampered("events.csv: it has more lines than there are events")


# ---- The pack -------------------------------------------------------------------------------------


class Pack:
    """A folder, or a zip as it is."""

    def __init__(self, place):
        self.folder, self.zip = place, None
        if not os.path.isdir(place):
            try:
                self.zip = zipfile.ZipFile(place)
            except (OSError, zipfile.BadZipFile) as error:
                raise Unknown("cannot open %s: %s" % (place, error))
            names = self.zip.namelist()
            if len(names) != len(set(names)):
                raise Tampered("the zip has two files of one name")

    def open(self, name, needed=True):
        try:
            return self.zip.open(name) if self.zip else open(os.path.join(self.folder, name), "rb")
        except (OSError, KeyError):
            if needed:
                raise Unknown("%s is missing" % name)

    def read(self, name):
        with self.open(name) as file:
            return file.read(1 << 26)


def shown(text):
    """A text as it can be printed: nothing that moves, colours or turns a line."""
    return "".join(c if c.isprintable() else "\\u{%x}" % ord(c) for c in str(text))


def spans(numbers):
    """Ascending numbers for people: 1, 3 to 5."""
    runs = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    texts = ["%d" % a if a == b else "%d to %d" % (a, b) for a, b in runs[:10]]
    return ", ".join(texts) + (" and more" if len(runs) > 10 else "")


def told(said, numbers):
    """What is left of the events of one erasure, for people."""
    agreed = " (approved by %s)" % shown(said["approved_by"]) if said["approved_by"] else ""
    at = re.sub("T(.*)[.].*Z", r" \1 UTC", moment(str(said["at"])))
    what = "event %s" % numbers[0] if len(numbers) == 1 else "events %s" % spans(numbers)
    return (
        "%s: erased on %s by %s%s, now %s: the row is what the erasure left; what stood there before is kept"
        " by its hash alone" % (what, at, shown(said["by"]), agreed, shown(said["subject"]))
    )


def check_anchors(anchors, size, root, kept):
    """Each anchor is the beginning of this ledger. Says which of them is the checkpoint that was kept."""
    met = kept == (size, root)
    for anchor in anchors:
        if list(anchor) != ["place", "at", "size", "root", "path"]:
            raise KeyError
        old, old_root = anchor["size"], read_hash(anchor["root"])
        if not is_number(old, 1, size) or grown(
            old, size, True, old_root, read_path(anchor["path"])
        ) != (old_root, root):
            raise Tampered("the ledger does not begin with what was anchored at %s" % shown(anchor["place"]))
        met = met or kept == (old, old_root)
        if kept and kept[0] == old and kept[1] != old_root:
            raise Tampered("the anchor at %s is not the checkpoint you gave" % shown(anchor["place"]))
    if kept and kept[0] == size and kept[1] != root:
        raise Tampered("the checkpoint you gave has another root for the same ledger")
    return met


def read_facts(pack):
    facts = json.loads(pack.read("pack.json"))
    if facts["format"] != "admintrail-proof-pack":
        raise Unknown("this is no proof pack")
    if facts["version"] != 1:
        raise Unknown("the pack has version %s; use a newer verify.py" % shown(facts["version"]))
    end, count = 0, 0
    for first, last in facts["seqs"]:
        if not (is_number(first, end + 1) and is_number(last, first)):
            raise ValueError
        end, count = last, count + last - first + 1
    if count != facts["rows"]:
        raise Tampered("pack.json: it says %s rows and lists %d" % (shown(facts["rows"]), count))
    if not is_number(facts["erased"], 0, count):
        raise ValueError
    return facts


def check_kept(file_name, key):
    """Size and root of the checkpoint that whoever asks has kept."""
    try:
        with open(file_name, "rb") as file:
            return open_checkpoint(file.read(1 << 20), key)[:2]
    except OSError as error:
        raise Unknown("cannot read %s: %s" % (shown(file_name), error))
    except Malformed as fault:
        raise Unknown("%s: %s" % (shown(file_name), fault))
    except Tampered as fault:
        raise Tampered("the checkpoint you gave: %s" % fault)


class Found:
    """What the rows are, as they say."""

    def __init__(self):
        self.seen = set()  # the numbers, as texts
        self.erasures = {}  # by their place in the ledger: what was said, and the numbers of the rows
        self.last_entry = 0  # the last entry of the ledger that a row needs
        self.has_csv = False


def check_rows(pack, facts, size, root, faults):
    """Each row by itself."""
    csv_file = pack.open("events.csv", needed=False)
    csv, found, last, count, erased_rows = Csv(None), Found(), 0, 0, 0
    seen, found.has_csv = found.seen, csv_file is not None
    try:
        csv = Csv(csv_file)
    except Tampered as fault:
        faults.append(str(fault))
    with pack.open("events.ndjson") as lines:
        for line in iter(lambda: lines.readline(MAX_LINE), b""):
            count += 1
            where = "line %d" % count
            try:
                if not line.endswith(b"\n"):
                    raise Tampered("the line does not end, or is too long")
                event, erased, proof = read_row(line[:-1])
                erased_rows += erased
                where += ", event %s" % shown(event["seq"])[:20]
                twice = event["seq"] in seen
                seen.add(event["seq"])
                said, entry = check_row(event, erased, proof, size, root)
                if twice:
                    raise Tampered("it stands here twice")
                if proof["seq"] < last:
                    raise Tampered("it is not in the order of numbers: it comes after event %d" % last)
                last = proof["seq"]
                if event["log"] != facts["log"]:
                    raise Tampered("it is of another log than pack.json says")
                found.last_entry = max(found.last_entry, entry)
                if erased:
                    found.erasures.setdefault(entry, (said, []))[1].append(proof["seq"])
                csv.expect(csv_line(event), "it says something else about this event")
            except Tampered as fault:
                csv.in_step = False  # what follows there cannot be held against what follows here
                faults.append("%s: %s" % (where, fault))
    try:
        csv.end()
    except Tampered as fault:
        faults.append(str(fault))
    if count != facts["rows"]:
        faults.append("events.ndjson: it has %d rows, and pack.json says %d" % (count, facts["rows"]))
    if erased_rows != facts["erased"]:
        counts = (erased_rows, facts["erased"])
        faults.append("events.ndjson: %d rows are erased ones, and pack.json says %d" % counts)
    return found


def check_complete(seen, seqs, faults):
    """Whether the rows are those that pack.json lists."""
    firsts = [first for first, _ in seqs]
    listed = (number for first, last in seqs for number in range(first, last + 1))
    for number in itertools.islice((n for n in listed if str(n) not in seen), 5):
        faults.append("event %d: it is missing, and pack.json lists it" % number)
    for text in sorted(seen, key=str):
        number = int(text) if re.fullmatch("[0-9]{1,20}", str(text)) else -1
        at = bisect.bisect_right(firsts, number) - 1
        if at < 0 or number > seqs[at][1]:
            faults.append("event %s: it is here, and pack.json does not list it" % shown(text)[:20])


def check(place, key_text, kept_file):
    """Returns what is good, and what remains to be done by whoever asks."""
    pack, faults, good, notes = Pack(place), [], [], []
    try:
        facts = read_facts(pack)
        origin, size, root, rows = facts["origin"], facts["size"], facts["root"], facts["rows"]
        anchors, _ = facts["anchors"], facts["log"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Tampered("pack.json is damaged")
    key_in_pack = pack.read("key.txt").decode(errors="replace").strip()
    key = read_given_key(key_text) if key_text else read_key(key_in_pack)
    if key_text and key_text != key_in_pack:
        faults.append("key.txt: it is not the key you gave")
    try:
        signed_head = open_checkpoint(pack.read("checkpoint"), key)
    except Tampered as fault:
        raise Faulty(faults + ["checkpoint: %s" % fault])
    if (size, root, origin) != (signed_head[0], signed_head[1].hex(), signed_head[2]):
        faults.append("pack.json: it speaks of another checkpoint")
    size, root, origin = signed_head
    kept = check_kept(kept_file, key) if kept_file else None
    met = None
    try:
        met = check_anchors(anchors, size, root, kept)
    except Tampered as fault:
        faults.append(str(fault))
    except (KeyError, TypeError):
        raise Tampered("pack.json is damaged")
    found = check_rows(pack, facts, size, root, faults)
    check_complete(found.seen, facts["seqs"], faults)
    if faults:
        raise Faulty(faults)

    seqs, erased = facts["seqs"], facts["erased"]
    range_text = " (events %d to %d)" % (seqs[0][0], seqs[-1][1]) if seqs else ""
    whose = "the key you gave" if key_text else "the key in this pack"
    if erased:
        parts = (rows, range_text, rows - erased, erased)
        good.append("%d rows%s are in the ledger, %d as they were recorded, %d as an erasure left them" % parts)
        good += [told(said, numbers) for said, numbers in found.erasures.values()]
    else:
        good.append("%d rows%s are in the ledger as they were recorded" % (rows, range_text))
    good.append("ledger %s, %d entries, root %s" % (shown(origin), size, root.hex()))
    good.append("signed by %s+%s, %s" % (shown(key[0]), key[1].hex(), whose))
    if found.has_csv:
        good.append("events.csv says the same")
    else:
        notes.append("events.csv is not here, so it was not checked")
    if kept and not met:
        raise Unknown("the pack has no way from the checkpoint you gave to its own; all else is good")
    if kept:
        good.append("the ledger begins with the checkpoint you gave")
    if not key_text:
        notes.append("compare the key with one from somewhere else, or give that one with --key:")
        notes.append("  " + shown(key_in_pack))
    if not kept:
        notes.append("compare the checkpoint with one that is kept outside of the server: --checkpoint")
        if anchors:
            notes.append("the server says that some are kept here; compare these with the copies there:")
        for anchor in anchors:
            covers = "" if anchor["size"] > found.last_entry else "; not all rows are among them"
            parts = (shown(anchor["place"]), shown(anchor["at"]), anchor["size"], covers, anchor["root"])
            notes.append("  %s, %s: the first %d entries%s; root %s" % parts)
    notes.append("that these are all events of the filter is not proven; README.txt says why")
    return good, notes


def main(arguments):
    place, options = None, {"--key": None, "--checkpoint": None}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word in options and rest:
            options[word] = rest.pop(0)
        elif word in ("-h", "--help"):
            print(__doc__)
            return 0
        elif place is None and not word.startswith("-"):
            place = word
        else:
            print("usage: python3 verify.py [FOLDER | pack.zip] [--key KEY] [--checkpoint FILE]", file=sys.stderr)
            return 2
    place = place or os.path.dirname(os.path.abspath(__file__))
    key = options["--key"]
    if key and os.path.isfile(key):
        with open(key, encoding="utf-8") as file:
            key = file.read()
    try:
        good, notes = check(place, key and key.strip(), options["--checkpoint"])
    except Unknown as reason:
        print("CANNOT CHECK: %s" % reason)
        return 3
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        print("CANNOT CHECK: the pack cannot be read: %s" % shown(error))
        return 3
    except (Faulty, Tampered) as found:
        faults = found.args[0] if type(found) is Faulty else [str(found)]
        print("TAMPERED WITH: %d %s" % (len(faults), "fault" if len(faults) == 1 else "faults"))
        for fault in faults[:20]:
            print("  " + fault)
        if len(faults) > 20:
            print("  and %d more" % (len(faults) - 20))
        return 1
    print("GOOD: " + good[0])
    for line in good[1:]:
        print("  " + line)
    for line in notes:
        print("  note: " + line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
