package daemon

import "context"

// Notice shows people, in the Status, something about the program itself for as long as it is true: it
// replaces what was said about the same subject before, and an empty text takes that back. It returns
// when the loop has taken it, or ctx has ended.
func (d *Daemon) Notice(ctx context.Context, subject, text string) {
	d.tell(ctx, func() {
		prefix := subject + ": "
		d.notices = withoutPrefix(d.notices, prefix)
		if text != "" {
			d.notices = append(d.notices, prefix+text)
		}
	})
}
