// Icon writes Portsitter's icon for Windows: an open door in a green field.
//
//	go run ./scripts/packaging/icon OUT.ico
//
// The picture is drawn anew for every size, so that it is sharp in all of them. Windows takes PNG in
// an .ico file since Vista.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
)

var sizes = []int{16, 24, 32, 48, 64, 128, 256}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: icon OUT.ico")
		os.Exit(2)
	}
	b, err := icon()
	if err == nil {
		err = os.WriteFile(os.Args[1], b, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// icon is the file: a header, an entry for each size, and then the pictures.
func icon() ([]byte, error) {
	type entry struct {
		Width, Height, Colors, Reserved uint8 // 256 is written as 0
		Planes, Bits                    uint16
		Size, At                        uint32
	}
	var entries, pictures bytes.Buffer
	first := 6 + len(sizes)*binary.Size(entry{})
	for _, n := range sizes {
		var picture bytes.Buffer
		if err := png.Encode(&picture, draw(n)); err != nil {
			return nil, err
		}
		e := entry{uint8(n), uint8(n), 0, 0, 1, 32, uint32(picture.Len()), uint32(first + pictures.Len())}
		if err := binary.Write(&entries, binary.LittleEndian, e); err != nil {
			return nil, err
		}
		pictures.Write(picture.Bytes())
	}
	head := []byte{0, 0, 1, 0, byte(len(sizes)), 0}
	return append(append(head, entries.Bytes()...), pictures.Bytes()...), nil
}

// draw is the picture in n by n pixels. Each of them is the mean of 8 by 8 points.
func draw(n int) image.Image {
	const fine = 8
	m := image.NewNRGBA(image.Rect(0, 0, n, n))
	for y := range n {
		for x := range n {
			var r, g, b, a int
			for i := range fine * fine {
				step := 32 / float64(n*fine)
				p := at((float64(x*fine+i%fine)+0.5)*step, (float64(y*fine+i/fine)+0.5)*step)
				if p.A != 0 {
					r, g, b, a = r+int(p.R), g+int(p.G), b+int(p.B), a+1
				}
			}
			if a != 0 {
				m.SetNRGBA(x, y, color.NRGBA{uint8(r / a), uint8(g / a), uint8(b / a), uint8(a * 255 / (fine * fine))})
			}
		}
	}
	return m
}

var (
	green = color.NRGBA{0x11, 0x73, 0x3f, 0xff}
	dark  = color.NRGBA{0x0a, 0x44, 0x26, 0xff}
	white = color.NRGBA{0xff, 0xff, 0xff, 0xff}
)

// at is the colour of a point in a field of 32 by 32.
func at(x, y float64) color.NRGBA {
	switch {
	case !inRound(x, y, 1, 1, 31, 31, 6):
		return color.NRGBA{}
	case disc(x, y, 16.5, 17, 1.4): // the knob
		return green
	case x >= 8 && x <= 19 && y >= 6+(x-8)*0.22 && y <= 29-(x-8)*0.27: // the leaf, which stands open
		return white
	case x >= 8 && x <= 24 && y >= 6 && y <= 26: // what is behind it
		return dark
	}
	return green
}

func disc(x, y, cx, cy, r float64) bool { return (x-cx)*(x-cx)+(y-cy)*(y-cy) <= r*r }

// inRound says whether a point is in the rectangle with round corners of radius r.
func inRound(x, y, left, top, right, bottom, r float64) bool {
	cx, cy := min(max(x, left+r), right-r), min(max(y, top+r), bottom-r)
	return disc(x, y, cx, cy, r)
}
