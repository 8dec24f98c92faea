// Shim writes bcryptprimitives.dll for a Wine that has none (it came with Wine 9): the Go runtime
// takes its first random bytes from there, and does not start without it.
//
//	go run ./scripts/wine/shim OUT.dll
//
// The library has no code: its one export, ProcessPrng, is forwarded to ADVAPI32.SystemFunction036,
// which is RtlGenRandom and takes the same arguments. The format is "PE Format" of Microsoft's
// documentation.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
)

const (
	dllName  = "bcryptprimitives.dll"
	function = "ProcessPrng"
	forward  = "ADVAPI32.SystemFunction036"

	sectionAt   = 0x1000 // address of the only section, relative to the image
	fileAlign   = 0x200
	pageAlign   = 0x1000
	imageBase   = 0x1_8000_0000
	directories = 16
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: shim OUT.dll")
		os.Exit(2)
	}
	if err := os.WriteFile(os.Args[1], library(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// library is the whole file: headers in the first 512 bytes, the export table in the next.
func library() []byte {
	exports := exportTable()
	head := make([]byte, 64) // the MS-DOS header: only where the real one is counts
	copy(head, "MZ")
	binary.LittleEndian.PutUint32(head[0x3c:], 64)
	head = append(head, "PE\x00\x00"...)
	head = put(head, coffHeader{
		Machine: 0x8664, Sections: 1, OptionalSize: uint16(binary.Size(optionalHeader{})),
		Characteristics: 0x2022, // executable, large addresses, DLL
	})
	optional := optionalHeader{
		Magic: 0x20b, LinkerMajor: 1, InitializedData: fileAlign, BaseOfCode: sectionAt, ImageBase: imageBase,
		SectionAlignment: pageAlign, FileAlignment: fileAlign, OSMajor: 6, SubsystemMajor: 6,
		ImageSize: sectionAt + pageAlign, HeadersSize: fileAlign,
		Subsystem: 3, DLLCharacteristics: 0x100, // console; no execution of data
		StackReserve: 1 << 20, StackCommit: 1 << 12, HeapReserve: 1 << 20, HeapCommit: 1 << 12,
		DirectoryCount: directories,
	}
	optional.Directories[0] = directory{sectionAt, uint32(len(exports))} // the export table
	head = put(head, optional)
	head = put(head, sectionHeader{
		Name: [8]byte{'.', 'e', 'd', 'a', 't', 'a'}, VirtualSize: uint32(len(exports)), VirtualAddress: sectionAt,
		RawSize: fileAlign, RawAt: fileAlign, Characteristics: 0x4000_0040, // initialized data, readable
	})
	file := make([]byte, 2*fileAlign)
	copy(file, head)
	copy(file[fileAlign:], exports)
	return file
}

// exportTable names one function. An address within the table itself is not code but the name of
// the function in another library that is meant.
func exportTable() []byte {
	const tables = 40 + 4 + 4 + 2 + 2 // directory, addresses, names, ordinals, and two bytes for alignment
	name := uint32(sectionAt + tables)
	symbol := name + uint32(len(dllName)+1)
	target := symbol + uint32(len(function)+1)
	b := put(nil, exportDirectory{
		Name: name, Base: 1, Functions: 1, Names: 1,
		FunctionsAt: sectionAt + 40, NamesAt: sectionAt + 44, OrdinalsAt: sectionAt + 48,
	})
	b = put(b, [3]uint32{target, symbol, 0})
	return fmt.Appendf(b, "%s\x00%s\x00%s\x00", dllName, function, forward)
}

// put appends a header as it stands in the file.
func put(b []byte, header any) []byte {
	w := bytes.NewBuffer(b)
	if err := binary.Write(w, binary.LittleEndian, header); err != nil {
		panic(err) // a header with a field of no fixed size: a slip in this file
	}
	return w.Bytes()
}
