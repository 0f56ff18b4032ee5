// Holds a ledger that Admintrail wrote against golang.org/x/mod/sumdb: notes, tiles and proofs.
//
// Its one argument is a folder of cases, each a folder with case.json, checkpoint and the tiles
// under their C2SP paths. It computes everything again from the entries alone and prints how many
// things it compared; the first difference ends it.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

type testCase struct {
	PublicKey   string        `json:"public_key"`
	PrivateKey  string        `json:"private_key"`
	Size        int64         `json:"size"`
	Inclusion   []inclusion   `json:"inclusion"`
	Consistency []consistency `json:"consistency"`
	Paths       []tilePath    `json:"paths"`
}

type inclusion struct {
	Index int64       `json:"index"`
	Path  []tlog.Hash `json:"path"`
}

type consistency struct {
	Old  int64       `json:"old"`
	Root tlog.Hash   `json:"root"`
	Path []tlog.Hash `json:"path"`
}

type tilePath struct {
	Level int    `json:"level"`
	Index int64  `json:"index"`
	Width int    `json:"width"`
	Path  string `json:"path"`
}

var compared int

func same(what string, ours, theirs interface{}) {
	compared++
	if a, b := fmt.Sprint(ours), fmt.Sprint(theirs); a != b {
		fail("%s: Go has\n%s\nand Admintrail\n%s", what, a, b)
	}
}

func fail(format string, arguments ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", arguments...)
	os.Exit(1)
}

func must(err error, what string) {
	compared++
	if err != nil {
		fail("%s: %v", what, err)
	}
}

// path is the C2SP one, which leaves out the height that is always 8.
func path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}

// folder serves the tiles of one case.
type folder string

func (folder) Height() int { return height }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var data [][]byte
	for _, tile := range tiles {
		bytes, err := os.ReadFile(filepath.Join(string(f), path(tile)))
		if err != nil {
			return nil, err
		}
		data = append(data, bytes)
	}
	return data, nil
}

func (folder) SaveTiles([]tlog.Tile, [][]byte) {}

// entries are all entries of the bundles, which must have just the files that the size asks for.
func (f folder) entries(size int64) [][]byte {
	var all [][]byte
	for index := int64(0); index*256 < size; index++ {
		tile := tlog.Tile{H: height, L: 0, N: index, W: 256}
		if rest := size - index*256; rest < 256 {
			tile.W = int(rest)
		}
		name := strings.Replace(path(tile), "tile/0/", "tile/entries/", 1)
		bytes, err := os.ReadFile(filepath.Join(string(f), name))
		must(err, name)
		for len(bytes) > 0 {
			length := int(binary.BigEndian.Uint16(bytes))
			all = append(all, bytes[2:2+length])
			bytes = bytes[2+length:]
		}
	}
	same("number of entries", len(all), size)
	return all
}

// stored is the tree that Go makes of the entries.
func stored(entries [][]byte) tlog.HashReader {
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, index := range indexes {
			out = append(out, hashes[index])
		}
		return out, nil
	})
	for n, entry := range entries {
		more, err := tlog.StoredHashes(int64(n), entry, reader)
		must(err, "stored hashes")
		hashes = append(hashes, more...)
	}
	return reader
}

// widest leaves out the narrower ones of partial tiles, which an earlier tree would have had.
func widest(tiles []tlog.Tile) []tlog.Tile {
	var out []tlog.Tile
	for _, tile := range tiles {
		if last := len(out) - 1; last >= 0 && out[last].L == tile.L && out[last].N == tile.N {
			out[last] = tile
		} else {
			out = append(out, tile)
		}
	}
	return out
}

// files counts the tiles of hashes below a folder.
func files(f folder) int {
	count := 0
	err := filepath.Walk(filepath.Join(string(f), "tile"), func(name string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && !strings.Contains(name, "/tile/entries/") {
			count++
		}
		return err
	})
	must(err, "tiles")
	return count
}

func check(dir string) {
	f := folder(dir)
	bytes, err := os.ReadFile(filepath.Join(dir, "case.json"))
	must(err, "case.json")
	var c testCase
	must(json.Unmarshal(bytes, &c), "case.json")

	checkpoint, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	must(err, "checkpoint")
	verifier, err := note.NewVerifier(c.PublicKey)
	must(err, "public key")
	opened, err := note.Open(checkpoint, note.VerifierList(verifier))
	must(err, "checkpoint")
	signer, err := note.NewSigner(c.PrivateKey)
	must(err, "private key")
	signed, err := note.Sign(&note.Note{Text: opened.Text}, signer)
	must(err, "signing")
	same("signed note", string(signed), string(checkpoint))
	lines := strings.Split(opened.Text, "\n")
	same("lines of the checkpoint", len(lines), 4)
	same("origin", verifier.Name(), lines[0])
	same("size", strconv.FormatInt(c.Size, 10), lines[1])

	reader := stored(f.entries(c.Size))
	root, err := tlog.TreeHash(c.Size, reader)
	must(err, "root")
	same("root", base64.StdEncoding.EncodeToString(root[:]), lines[2])

	tiles := widest(tlog.NewTiles(height, 0, c.Size))
	same("number of tiles", len(tiles), files(f))
	for _, tile := range tiles {
		theirs, err := tlog.ReadTileData(tile, reader)
		must(err, path(tile))
		ours, err := os.ReadFile(filepath.Join(dir, path(tile)))
		must(err, path(tile))
		same(path(tile), string(theirs), string(ours))
	}

	tiled := tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: root}, f)
	for _, proof := range c.Inclusion {
		theirs, err := tlog.ProveRecord(c.Size, proof.Index, tiled)
		must(err, "inclusion")
		same("inclusion", theirs, tlog.RecordProof(proof.Path))
		leaf, err := tiled.ReadHashes([]int64{tlog.StoredHashIndex(0, proof.Index)})
		must(err, "leaf")
		must(tlog.CheckRecord(proof.Path, c.Size, root, proof.Index, leaf[0]), "inclusion")
	}
	for _, proof := range c.Consistency {
		theirs, err := tlog.ProveTree(c.Size, proof.Old, tiled)
		must(err, "consistency")
		same("consistency", theirs, tlog.TreeProof(proof.Path))
		must(tlog.CheckTree(proof.Path, c.Size, root, proof.Old, proof.Root), "consistency")
	}
	for _, p := range c.Paths {
		tile := tlog.Tile{H: height, L: p.Level, N: p.Index, W: p.Width}
		same("path", path(tile), p.Path)
	}
}

func main() {
	cases, err := filepath.Glob(filepath.Join(os.Args[1], "*", "case.json"))
	must(err, "cases")
	for _, file := range cases {
		check(filepath.Dir(file))
	}
	fmt.Printf("%d cases, %d comparisons\n", len(cases), compared)
}
