package console

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"path"
	"testing"

	"github.com/rulegate/rulegate/host/testbrowser"
)

// BenchmarkPage measures the page in a browser: from the request for it to the first
// decision, with nothing in a cache; from a key to the next decision; and its bytes, as
// they are sent compressed.
func BenchmarkPage(b *testing.B) {
	page := built(b)
	browser := testbrowser.Start(b)
	link := serveFiles(b, page, "")
	b.Run("first-decision", func(b *testing.B) {
		var all float64
		for b.Loop() {
			p := browser.Open(b, testbrowser.View{})
			p.Go(link)
			p.Wait("document.body.dataset.decisions > 0")
			all += testbrowser.Eval[float64](p, "performance.getEntriesByName('first-decision')[0].startTime")
		}
		b.ReportMetric(all/float64(b.N), "ms/first-decision")
		b.ReportMetric(size(b, page), "bytes")
	})
	b.Run("next-decision", func(b *testing.B) {
		p := browser.Open(b, testbrowser.View{})
		p.Go(link)
		p.Wait("document.body.dataset.tests")
		var all float64
		for b.Loop() {
			all += testbrowser.Eval[float64](p, `(async () => {
				const input = document.querySelector('form [name=path]')
				const before = document.body.dataset.decisions
				const start = performance.now()
				input.value += '1'
				input.dispatchEvent(new Event('input'))
				while (document.body.dataset.decisions === before) await new Promise(done => setTimeout(done))
				const took = performance.now() - start
				input.value = '/articles/7'
				await new Promise(done => setTimeout(done, 400)) // the tests run after a while
				return took
			})()`)
		}
		b.ReportMetric(all/float64(b.N), "ms/decision")
	})
}

// size is what a browser loads, compressed.
func size(b *testing.B, page fs.FS) float64 {
	var out bytes.Buffer
	for _, name := range []string{"index.html", "icon.svg", "page.css", "start.js", "page.js", "worker.js", "eval.wasm.gz"} {
		data, err := fs.ReadFile(page, name)
		if err != nil {
			b.Fatal(err)
		}
		if path.Ext(name) == ".gz" {
			out.Write(data)
			continue
		}
		w := gzip.NewWriter(&out)
		if _, err := w.Write(data); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
	}
	return float64(out.Len())
}
