package text_test

import (
	"testing"

	"ringbook/directory/text"
)

func BenchmarkFold(b *testing.B) {
	for _, bb := range []struct{ name, s string }{
		{"folded", "anna schmidt"},
		{"ascii", "Anna Schmidt"},
		{"umlaut", "Jürgen Müller-Lüdenscheidt"},
		{"greek", "Γιώργος Παπαδόπουλος"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text.Fold(bb.s)
			}
		})
	}
}

func BenchmarkVariants(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		text.Variants("Jürgen Müller-Lüdenscheidt")
	}
}

func BenchmarkClean(b *testing.B) {
	for _, bb := range []struct{ name, s string }{
		{"ascii", "Anna Schmidt"}, {"umlaut", "Jürgen Müller-Lüdenscheidt"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text.Clean(bb.s, false)
			}
		})
	}
}

func BenchmarkKey(b *testing.B) {
	for _, tag := range []string{"root", "sv", "da", "cs", "hu", "pl", "de-u-co-phonebk", "ru", "zh"} {
		c, err := text.ParseCollation(tag)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(tag, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Key("Jürgen Müller-Lüdenscheidt")
			}
		})
	}
}

func BenchmarkASCII(b *testing.B) {
	for _, bb := range []struct{ name, s string }{
		{"ascii", "Anna Schmidt"}, {"umlaut", "Jürgen Müller-Lüdenscheidt"}, {"cyrillic", "Дмитрий Щербаков"}, {"greek", "Γιώργος Παπαδόπουλος"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				text.ASCII(bb.s)
			}
		})
	}
}
