//go:build linux

package browser

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "make the README's pictures anew, in docs/")

// mostBytes is how large a picture in the README may be.
const mostBytes = 120 << 10

// The pictures of the README are real ones: this test makes them with -update, and else looks
// whether they are there and small.
func TestPictures(t *testing.T) {
	for _, v := range views[:2] {
		file := filepath.Join("../../docs", map[bool]string{false: "page-light.png", true: "page-dark.png"}[v.dark])
		if *update {
			d := startDemoOn(t, 27886, "", "[page]\nhide_address = false\n")
			d.awaitCode(10*time.Second, "reachable")
			b := openTab(t, d, "/")
			v.width, v.height = 1100, 1240
			b.do(v.emulate())
			b.sees(2*time.Second, reached)
			if err := os.WriteFile(file, small(t, b.picture(false)), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c, err := png.DecodeConfig(bytes.NewReader(text))
		if err != nil || c.Width < 1000 || len(text) > mostBytes {
			t.Errorf("%s: %d pixels wide, %d bytes, %v", file, c.Width, len(text), err)
		}
	}
}

// small writes a picture with the 256 colours that it uses most: that is a third of the size, and the
// rest are shades at the edges of letters.
func small(t *testing.T, picture []byte) []byte {
	t.Helper()
	full, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	often, box := map[color.Color]int{}, full.Bounds()
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			often[color.NRGBAModel.Convert(full.At(x, y))]++
		}
	}
	shades := slices.SortedFunc(maps.Keys(often), func(a, b color.Color) int {
		return cmp.Or(cmp.Compare(often[b], often[a]), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	out := image.NewPaletted(box, shades[:min(256, len(shades))])
	draw.Draw(out, box, full, box.Min, draw.Src)
	var file bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&file, out); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}
