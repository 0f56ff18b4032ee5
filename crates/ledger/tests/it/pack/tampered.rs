//! Ways to tamper with a pack, each with what both programs have to find.

use admintrail_ledger::{ErasedProof, Hash};
use serde_json::{Value, json};

use super::files::Files;
use super::sample::EARLY;

/// A pack that somebody has tampered with.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) files: Files,
    /// How a fault begins that has to be found; it names the row where there is one.
    pub(crate) finds: String,
}

/// What is no part of the good pack.
pub(crate) struct Foreign<'a> {
    /// A key that signed nothing in it.
    pub(crate) key: &'a str,
    /// A row of the same ledger that the pack does not have, to go in as its third.
    pub(crate) unlisted: &'a str,
    /// The proof of an erasure that was told of before its event was recorded.
    pub(crate) early: &'a ErasedProof,
}

/// All cases, made of a good pack.
pub(crate) fn cases(good: &Files, foreign: &Foreign<'_>) -> Vec<Case> {
    let mut cases = Vec::new();
    rows(good, &mut cases);
    proofs(good, &mut cases);
    erased(good, &mut cases);
    taken_for_another(good, foreign.early, &mut cases);
    order(good, foreign.unlisted, &mut cases);
    facts(good, foreign.key, &mut cases);
    cases
}

/// The texts of `event` in one row.
fn rows(good: &Files, cases: &mut Vec<Case>) {
    let recorded = "it is not the event that was recorded";
    let mut case = |name, seq: u64, change: &dyn Fn(&mut Value)| {
        add_row(good, cases, name, seq, recorded, &|row| {
            change(&mut row["event"]);
        });
    };
    case("another admin", 4, &|e| e["admin"] = "x@example.org".into());
    case("another time", 5, &|e| {
        e["time"] = "1795000000000000".into();
    });
    case("another status", 6, &|e| e["status"] = "500".into());
    case("composed letters", 7, &|e| {
        let action = e["action"]
            .as_str()
            .unwrap_or("")
            .replace("e\u{301}", "\u{e9}");
        e["action"] = action.into();
    });
    case("NUL left out", 8, &|e| {
        e["path"] = e["path"].as_str().unwrap_or("").replace('\0', "").into();
    });
    case("the end of a long text", 9, &|e| {
        let mut text = e["query"].as_str().unwrap_or("").to_owned();
        text.pop();
        e["query"] = (text + "'").into();
    });
    case("empty made null", 10, &|e| e["admin_name"] = Value::Null);
    case("null made empty", 11, &|e| e["admin_name"] = "".into());
    case("texts moved between fields", 12, &|e| {
        let object = e["object"].take();
        e["object"] = e["action"].take();
        e["action"] = object;
    });
    case("polling", 13, &|e| e["polling"] = "0".into());
    case("a large number", 14, &|e| {
        e["recorder_epoch"] = "18446744073709551614".into();
    });
    case("received", 16, &|e| {
        e["received"] = "1795000000600001".into();
    });
    case("another log", 17, &|e| {
        e["log"] = "ab".repeat(15).into();
    });
    case("a leading zero", 22, &|e| {
        e["recorder_seq"] = format!("0{}", e["recorder_seq"].as_str().unwrap_or("")).into();
    });
}

/// What leads from a row to the checkpoint.
fn proofs(good: &Files, cases: &mut Vec<Case>) {
    let recorded = "it is not the event that was recorded";
    let unsigned = "its block is not in the ledger that was signed";
    let mut case = |name, seq: u64, finds: &str, change: &dyn Fn(&mut Value)| {
        add_row(good, cases, name, seq, finds, &|row| {
            change(&mut row["proof"]);
        });
    };
    case("salt", 4, recorded, &|p| flip(&mut p["salt"]));
    case("path in the block", 30, recorded, &|p| {
        flip(&mut p["block"]["path"][1]);
    });
    case("root of the block", 25, recorded, &|p| {
        flip(&mut p["block"]["root"]);
    });
    case("path in the ledger", 25, unsigned, &|p| {
        flip(&mut p["ledger"]["path"][0]);
    });
    case("a step less", 26, "a path has the wrong length", &|p| {
        if let Value::Array(path) = &mut p["block"]["path"] {
            path.pop();
        }
    });
    case(
        "a step more in the ledger",
        27,
        "a path has the wrong length",
        &|p| {
            let step = p["ledger"]["path"][0].clone();
            if let Some(path) = p["ledger"]["path"].as_array_mut() {
                path.push(step);
            }
        },
    );
    case("one more in the block", 28, "", &|p| {
        add(&mut p["block"]["count"], 1);
    });
    case("the block begins earlier", 29, "", &|p| {
        add(&mut p["block"]["first"], -1);
    });
    case(
        "a block of 5,000",
        29,
        "a number of its proof is none",
        &|p| {
            p["block"]["count"] = 5_000.into();
        },
    );
    case("moments of the block", 30, unsigned, &|p| {
        add(&mut p["block"]["min_received"], -1);
    });
    case("another place in the ledger", 30, "", &|p| {
        p["ledger"]["index"] = 2.into();
    });
    case(
        "a larger ledger",
        30,
        "its proof is for a ledger of another size",
        &|p| {
            p["ledger"]["size"] = 11.into();
        },
    );
    case("a newer proof", 31, "", &|p| p["version"] = 2.into());
    case("a broken number", 31, "", &|p| p["seq"] = json!(31.5));
    case(
        "a hash in capitals",
        32,
        "a hash of its proof is none",
        &|p| {
            p["salt"] = p["salt"]
                .as_str()
                .unwrap_or("")
                .replace(|c: char| !c.is_ascii_digit(), "A")
                .into();
        },
    );
}

/// Rows that an erasure left, and what leads from them to the checkpoint.
fn erased(good: &Files, cases: &mut Vec<Case>) {
    let left = "it is not what the erasure left";
    let place = "its place among the erased events cannot be that";
    let mut case = |name, seq: u64, finds: &str, change: &dyn Fn(&mut Value)| {
        add_row(good, cases, name, seq, finds, change);
    };
    case("a field of an erased row", 18, left, &|row| {
        row["event"]["status"] = "500".into();
    });
    case("a pseudonym", 19, left, &|row| {
        row["event"]["admin"] = "erased-7f31".into();
    });
    case("a name in an erased row", 34, left, &|row| {
        row["event"]["admin_name"] = "Tom".into();
    });
    case("received of an erased row", 18, left, &|row| {
        row["event"]["received"] = "1795000000680001".into();
    });
    case(
        "no moment of receipt",
        18,
        "it was received outside",
        &|row| {
            row["event"]["received"] = "yesterday".into();
        },
    );
    let mut case = |name, seq: u64, finds: &str, change: &dyn Fn(&mut Value)| {
        add_row(good, cases, name, seq, finds, &|row| {
            change(&mut row["erased"]);
        });
    };
    let then = "its hash of then is not in its block";
    case("salt of an erased row", 18, left, &|p| flip(&mut p["salt"]));
    case("the hash of then", 18, then, &|p| flip(&mut p["was"]));
    case("the hash of now as that of then", 34, then, &|p| {
        p["was"] = p["after"]["path"][0].clone();
    });
    case("path of the hash of then", 19, then, &|p| {
        flip(&mut p["block"]["path"][0]);
    });
    let unsigned = "its block is not in the ledger that was signed";
    case("path of an erased block", 19, unsigned, &|p| {
        flip(&mut p["ledger"]["path"][0]);
    });
    case("path in the tree of an erasure", 19, left, &|p| {
        flip(&mut p["after"]["path"][0]);
    });
    case(
        "a step less in that tree",
        19,
        "a path has the wrong length",
        &|p| {
            if let Value::Array(path) = &mut p["after"]["path"] {
                path.pop();
            }
        },
    );
    case("another place in that tree", 18, left, &|p| {
        add(&mut p["after"]["index"], 1);
    });
    case("a place before the range", 15, place, &|p| {
        add(&mut p["after"]["index"], -1);
    });
    case("a place further than the range", 15, place, &|p| {
        add(&mut p["after"]["index"], 2);
    });
    case("a larger erasure", 18, place, &|p| {
        add(&mut p["after"]["size"], 1);
    });
    case("a broken place", 18, place, &|p| {
        p["after"]["index"] = json!(1.5);
    });
    let untold = "its statement is not in the ledger that was signed";
    case("who approved", 18, untold, &|p| {
        let entry = p["statement"]["entry"].as_str().unwrap_or("");
        p["statement"]["entry"] = entry.replace(&hex("jonas"), &hex("marek")).into();
    });
    case("how many were erased", 18, untold, &|p| {
        let entry = p["statement"]["entry"].as_str().unwrap_or("");
        p["statement"]["entry"] = format!("{}5{}", &entry[..69], &entry[70..]).into();
    });
    case("a statement cut short", 18, untold, &|p| {
        let entry = p["statement"]["entry"].as_str().unwrap_or("");
        p["statement"]["entry"] = entry[..entry.len() - 2].into();
    });
    case(
        "a statement in capitals",
        18,
        "its statement is none",
        &|p| {
            let entry = p["statement"]["entry"].as_str().unwrap_or("");
            p["statement"]["entry"] = entry.to_uppercase().into();
        },
    );
    case("half a byte", 18, "its statement is none", &|p| {
        let entry = p["statement"]["entry"].as_str().unwrap_or("");
        p["statement"]["entry"] = entry[1..].into();
    });
    case(
        "no bytes of a statement",
        18,
        "its statement is none",
        &|p| {
            p["statement"]["entry"] = "".into();
        },
    );
    case(
        "no text of a statement",
        18,
        "its statement is none",
        &|p| {
            p["statement"]["entry"] = 2.into();
        },
    );
    case("another place of the statement", 18, untold, &|p| {
        add(&mut p["statement"]["ledger"]["index"], 1);
    });
    case("path of the statement", 18, untold, &|p| {
        flip(&mut p["statement"]["ledger"]["path"][0]);
    });
    case(
        "a statement of a larger ledger",
        18,
        "its proof is for a ledger of another size",
        &|p| {
            add(&mut p["statement"]["ledger"]["size"], 1);
        },
    );
    case(
        "a block as the statement",
        18,
        "its statement is none",
        &|p| {
            p["statement"] = json!({"entry": entry(&p["block"]), "ledger": p["ledger"]});
        },
    );
    case("a newer proof", 18, "", &|p| p["version"] = 2.into());
    case("no statement", 18, "the line is not a row", &|p| {
        p.as_object_mut().map(|p| p.remove("statement"));
    });
    case(
        "no place of the statement",
        18,
        "the line is not a row",
        &|p| {
            p["statement"] = json!({"entry": p["statement"]["entry"]});
        },
    );
    case(
        "no place in the erasure",
        18,
        "the line is not a row",
        &|p| {
            p.as_object_mut().map(|p| p.remove("after"));
        },
    );
}

/// Rows with a proof that is not theirs, or not of their kind.
fn taken_for_another(good: &Files, early: &ErasedProof, cases: &mut Vec<Case>) {
    let row = |seq: u64| -> Value { serde_json::from_str(&line_of(good, seq)).unwrap_or_default() };
    let (erased, later) = (row(18)["erased"].clone(), row(34)["erased"].clone());
    let mut case = |name, seq: u64, finds: &str, change: &dyn Fn(&mut Value)| {
        add_row(good, cases, name, seq, finds, change);
    };
    case(
        "an erased row as a whole one",
        18,
        "it is not the event that was recorded",
        &|row| {
            let p = row["erased"].take();
            *row = json!({"event": row["event"], "proof": {
                "version": 1, "seq": p["seq"], "salt": p["salt"], "block": p["block"], "ledger": p["ledger"],
            }});
        },
    );
    // With the true hash of then, which whoever has the row can make.
    case(
        "a whole row as an erased one",
        17,
        "it is not what the erasure left",
        &|row| {
            let was = hash(good, row);
            let p = row["proof"].take();
            *row = json!({"event": row["event"], "erased": {
                "version": 1, "seq": 17, "salt": p["salt"], "was": was, "block": p["block"],
                "ledger": p["ledger"], "statement": erased["statement"], "after": erased["after"],
            }});
        },
    );
    case("two proofs", 17, "the line is not a row", &|row| {
        row["erased"] = erased.clone();
    });
    case("no proof", 17, "the line is not a row", &|row| {
        *row = json!({"event": row["event"]});
    });
    case(
        "the proof of another erased row",
        19,
        "its proof is for event 18",
        &|row| {
            row["erased"] = erased.clone();
        },
    );
    case(
        "the statement of another erasure",
        18,
        "its statement speaks of other events",
        &|row| {
            row["erased"]["statement"] = later["statement"].clone();
        },
    );
    case(
        "an erasure told of too early",
        EARLY,
        "its statement stands before it",
        &|row| {
            let mut event = row["event"].take();
            event["admin"] = "erased-7f32".into();
            for name in ["admin_name", "ip", "user_agent"] {
                event[name] = Value::Null;
            }
            *row = json!({"event": event, "erased": early});
        },
    );
}

/// Which rows there are.
fn order(good: &Files, unlisted: &str, cases: &mut Vec<Case>) {
    let mut case = |name, finds: &str, change: &dyn Fn(&mut Vec<String>)| {
        let mut files = good.clone();
        let mut lines = lines(&files);
        change(&mut lines);
        put(&mut files, "events.ndjson", lines.concat());
        cases.push(Case {
            name,
            files,
            finds: finds.to_owned(),
        });
    };
    case(
        "proofs exchanged",
        "line 5, event 6: its proof is for event 7",
        &|lines| {
            let parts = |line: &str| {
                let at = line.find(",\"proof\":").unwrap_or(0);
                (line[..at].to_owned(), line[at..].to_owned())
            };
            let [(a, a_proof), (b, b_proof)] = [parts(&lines[4]), parts(&lines[5])];
            lines[4] = a + &b_proof;
            lines[5] = b + &a_proof;
        },
    );
    case(
        "rows exchanged",
        "line 6, event 6: it is not in the order of numbers",
        &|lines| {
            lines.swap(4, 5);
        },
    );
    case(
        "the first row removed",
        "event 1: it is missing",
        &|lines| drop(lines.remove(0)),
    );
    case("a row removed", "event 8: it is missing", &|lines| {
        drop(lines.remove(6));
    });
    case(
        "the last row removed",
        "event 39: it is missing",
        &|lines| drop(lines.pop()),
    );
    case(
        "a row twice",
        "line 8, event 8: it stands here twice",
        &|lines| {
            lines.insert(7, lines[6].clone());
        },
    );
    case(
        "a row again at the end",
        "line 37, event 8: it stands here twice",
        &|lines| {
            lines.push(lines[6].clone());
        },
    );
    case(
        "a row more",
        "event 3: it is here, and pack.json does not list it",
        &|lines| {
            lines.insert(2, unlisted.to_owned());
        },
    );
    case(
        "a name twice",
        "line 2: the line is not a row of a pack",
        &|lines| {
            lines[1] = lines[1].replacen("\"event\":{", "\"event\":{\"admin\":\"x\",", 1);
        },
    );
    case(
        "a field more",
        "line 2: the line is not a row of a pack",
        &|lines| {
            lines[1] = lines[1].replacen("\"proof\":{", "\"comment\":null,\"proof\":{", 1);
        },
    );
    case(
        "a space",
        "line 2: the line is not a row of a pack",
        &|lines| {
            lines[1] = lines[1].replacen(",\"proof\"", ", \"proof\"", 1);
        },
    );
    case(
        "an empty line",
        "line 4: the line is not a row of a pack",
        &|lines| {
            lines.insert(3, "\n".into());
        },
    );
    case("a cut end", "line 36: the line does not end", &|lines| {
        let end = lines[35].len() - 20;
        lines[35].truncate(end);
    });
}

/// What is around the rows.
fn facts(good: &Files, other_key: &str, cases: &mut Vec<Case>) {
    let mut case = |name, finds: &str, file: &str, change: &dyn Fn(String) -> String| {
        let mut files = good.clone();
        let text = String::from_utf8_lossy(&files[file]).into_owned();
        let changed = change(text.clone());
        assert_ne!(changed, text, "{name}");
        put(&mut files, file, changed);
        cases.push(Case {
            name,
            files,
            finds: finds.to_owned(),
        });
    };
    let wrong = "checkpoint: its signature is wrong";
    let line = |number: usize, change: fn(&str) -> String| {
        move |text: String| {
            let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
            lines[number] = change(&lines[number]);
            lines.join("\n")
        }
    };
    let turned = |text: &str, at: usize| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8_lossy(&bytes).into_owned()
    };
    case("root of the checkpoint", wrong, "checkpoint", &|text| {
        let at = text
            .split('\n')
            .take(2)
            .map(|line| line.len() + 1)
            .sum::<usize>()
            + 3;
        turned(&text, at)
    });
    case(
        "size of the checkpoint",
        wrong,
        "checkpoint",
        &line(1, |_| "7".into()),
    );
    case("signature", wrong, "checkpoint", &|text| {
        let at = text.len() - 30;
        turned(&text, at)
    });
    case(
        "key id of the signature",
        "checkpoint: it is not signed by the key",
        "checkpoint",
        &|text| {
            let at = text.rfind(' ').unwrap_or(0) + 2;
            turned(&text, at)
        },
    );
    case(
        "no signature",
        "checkpoint: it is not a signed checkpoint",
        "checkpoint",
        &|text| text.split("\n\n").next().unwrap_or("").to_owned() + "\n",
    );
    case(
        "another key",
        "checkpoint: it is not signed by the key",
        "key.txt",
        &|_| format!("{other_key}\n"),
    );
    case("a damaged key", "the key is damaged", "key.txt", &|text| {
        let at = text.len() - 10;
        turned(&text, at)
    });
    case(
        "rows that pack.json counts",
        "pack.json: it says 35 rows and lists 36",
        "pack.json",
        &|text| text.replace("\"rows\": 36", "\"rows\": 35"),
    );
    case(
        "erased rows that pack.json counts",
        "events.ndjson: 5 rows are erased ones, and pack.json says 4",
        "pack.json",
        &|text| text.replace("\"erased\": 5", "\"erased\": 4"),
    );
    case(
        "an anchor without its moment",
        "pack.json is damaged",
        "pack.json",
        &|text| text.replacen("\"at\": ", "\"on\": ", 1),
    );
    case(
        "size in pack.json",
        "pack.json: it speaks of another checkpoint",
        "pack.json",
        &|text| text.replacen("\"size\": 10", "\"size\": 11", 1),
    );
    case(
        "another log in pack.json",
        "line 1, event 1: it is of another log",
        "pack.json",
        &|text| text.replace("\"log\": \"ab", "\"log\": \"ac"),
    );
    case(
        "an anchor",
        "the ledger does not begin with what was anchored at backup-host",
        "pack.json",
        &|text| {
            let at = text.find("\"anchors\"").unwrap_or(0);
            let (before, after) = text.split_at(at);
            let root = after.find("\"root\": \"").unwrap_or(0) + 9;
            let digit = if after.as_bytes()[root] == b'0' {
                "1"
            } else {
                "0"
            };
            format!("{before}{}{digit}{}", &after[..root], &after[root + 1..])
        },
    );
    case(
        "no pack.json to speak of",
        "pack.json is damaged",
        "pack.json",
        &|_| "{}".into(),
    );
    let says = "events.csv: it says something else about this event";
    case(
        "a cell",
        &format!("line 12, event 13: {says}"),
        "events.csv",
        &|text| text.replacen("\"2001:db8::1\"", "\"2001:db8::2\"", 1),
    );
    case(
        "a line of the table",
        "line 36, event 39: events.csv",
        "events.csv",
        &|text| {
            let end = text.trim_end().rfind("\r\n").unwrap_or(0);
            text[..end + 2].to_owned()
        },
    );
    case(
        "a line more in the table",
        "events.csv: it has more lines",
        "events.csv",
        &|text| text + "\"x\"\r\n",
    );
    case(
        "a name in the table",
        "events.csv: its first line",
        "events.csv",
        &|text| text.replacen("admin_name", "admin name", 1),
    );
}

fn add_row(
    good: &Files,
    cases: &mut Vec<Case>,
    name: &'static str,
    seq: u64,
    finds: &str,
    change: &dyn Fn(&mut Value),
) {
    let mut files = good.clone();
    let mut lines = lines(&files);
    let at = place_of(&lines, seq);
    let mut row: Value = serde_json::from_str(&lines[at]).unwrap_or_default();
    let before = row.clone();
    change(&mut row);
    assert_ne!(row, before, "{name}");
    lines[at] = written(&row, &names(good));
    put(&mut files, "events.ndjson", lines.concat());
    // Of a line that is no row nobody can say which event it was.
    let finds = if name == "a newer proof" || finds == "the line is not a row" {
        format!("line {}: the line is not a row of a pack", at + 1)
    } else {
        format!("line {}, event {seq}: {finds}", at + 1)
    };
    cases.push(Case { name, files, finds });
}

/// A changed row in the order of names that the text has.
fn written(value: &Value, line: &str) -> String {
    fn push(out: &mut String, value: &Value, line: &str) {
        match value {
            Value::Object(map) => {
                let mut names: Vec<&String> = map.keys().collect();
                names.sort_by_key(|name| line.find(&format!("\"{name}\":")));
                out.push('{');
                for (at, name) in names.into_iter().enumerate() {
                    out.push_str(if at > 0 { "," } else { "" });
                    out.push_str(&format!("\"{name}\":"));
                    let rest = line
                        .find(&format!("\"{name}\":"))
                        .map_or("", |at| &line[at..]);
                    push(out, &map[name], rest);
                }
                out.push('}');
            }
            other => out.push_str(&other.to_string()),
        }
    }
    let mut out = String::new();
    push(&mut out, value, line);
    out + "\n"
}

fn lines(files: &Files) -> Vec<String> {
    let text = String::from_utf8_lossy(&files["events.ndjson"]).into_owned();
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn place_of(lines: &[String], seq: u64) -> usize {
    let wanted = format!("\"seq\":\"{seq}\",\"kind\"");
    let at = lines.iter().position(|line| line.contains(&wanted));
    at.unwrap_or_else(|| panic!("no row {seq}"))
}

fn line_of(files: &Files, seq: u64) -> String {
    let lines = lines(files);
    lines[place_of(&lines, seq)].clone()
}

/// Every name that a row can have, in its order: those of an erased row and of a whole one.
fn names(good: &Files) -> String {
    let whole = line_of(good, 17);
    let proof = whole.find(",\"proof\":").unwrap_or(0);
    line_of(good, 18) + &whole[proof..]
}

/// The hash of a whole row, of what is in the row.
fn hash(good: &Files, row: &Value) -> String {
    let table = String::from_utf8_lossy(&good["events.csv"]);
    let names = table
        .lines()
        .next()
        .unwrap_or("")
        .trim_start_matches('\u{feff}');
    let salt = row["proof"]["salt"].as_str().unwrap_or("");
    let mut data: Vec<u8> = (0..salt.len() / 2)
        .map(|at| u8::from_str_radix(&salt[2 * at..2 * at + 2], 16).unwrap_or(0))
        .collect();
    data.push(1);
    for name in names.split(',') {
        let text = row["event"][name].as_str();
        let length = text.map_or(u32::MAX, |text| u32::try_from(text.len()).unwrap_or(0));
        data.extend_from_slice(&length.to_be_bytes());
        data.extend_from_slice(text.unwrap_or("").as_bytes());
    }
    Hash::of_leaf(&data).to_string()
}

/// The entry of a block, in hexadecimal digits.
fn entry(block: &Value) -> String {
    let number = |name: &str| block[name].as_i64().unwrap_or(0);
    let (first, count) = (number("first"), number("count"));
    let (min, max) = (number("min_received"), number("max_received"));
    let root = block["root"].as_str().unwrap_or("");
    format!("01{first:016x}{count:08x}{min:016x}{max:016x}{root}")
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

fn put(files: &mut Files, name: &str, text: String) {
    files.insert(name.to_owned(), text.into_bytes());
}

fn flip(hash: &mut Value) {
    let text = hash.as_str().unwrap_or("");
    let digit = if text.starts_with('0') { "1" } else { "0" };
    *hash = format!("{digit}{}", &text[1..]).into();
}

fn add(number: &mut Value, more: i64) {
    *number = (number.as_i64().unwrap_or(0) + more).into();
}
