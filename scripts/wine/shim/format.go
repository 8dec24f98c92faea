package main

// The headers of a PE32+ file, as "PE Format" has them.
type (
	coffHeader struct {
		Machine, Sections            uint16
		Time, SymbolsAt, SymbolCount uint32
		OptionalSize                 uint16
		Characteristics              uint16
	}
	optionalHeader struct {
		Magic                                              uint16
		LinkerMajor, LinkerMinor                           uint8
		Code, InitializedData, UninitializedData           uint32
		Entry, BaseOfCode                                  uint32
		ImageBase                                          uint64
		SectionAlignment, FileAlignment                    uint32
		OSMajor, OSMinor, ImageMajor, ImageMinor           uint16
		SubsystemMajor, SubsystemMinor                     uint16
		Win32Version, ImageSize, HeadersSize, Checksum     uint32
		Subsystem, DLLCharacteristics                      uint16
		StackReserve, StackCommit, HeapReserve, HeapCommit uint64
		LoaderFlags, DirectoryCount                        uint32
		Directories                                        [directories]directory
	}
	directory struct{ Address, Size uint32 }

	sectionHeader struct {
		Name                                        [8]byte
		VirtualSize, VirtualAddress, RawSize, RawAt uint32
		RelocationsAt, LinesAt                      uint32
		RelocationCount, LineCount                  uint16
		Characteristics                             uint32
	}
	exportDirectory struct {
		Flags, Time                      uint32
		Major, Minor                     uint16
		Name, Base, Functions, Names     uint32
		FunctionsAt, NamesAt, OrdinalsAt uint32
	}
)
