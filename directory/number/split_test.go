package number_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"ringbook/directory/number"
)

func TestSplit(t *testing.T) {
	for field, want := range map[string][]string{
		"":           nil,
		"n/a":        nil,
		"030/123456": {"030/123456"},
		"030/1234567; 030 7654321 / +49 (0)30 1112222": {"030/1234567", "030 7654321", "+49 (0)30 1112222"},
		"+1 425 555 0100, ext. 1234":                   {"+1 425 555 0100, ext. 1234"},
		"030 1234567, 12":                              {"030 1234567, 12"},
		"030 1234567\n12\r\n x4711":                    {"030 1234567", "12", "x4711"},
		"030 / 5557-1235":                              {"030 / 5557-1235"},
		"(030) / 5557 / (0171) / 5550001":              {"(030) / 5557", "(0171) / 5550001"},
		"+49 4103 / 12345, 0171 / 5550001":             {"+49 4103 / 12345", "0171 / 5550001"},
		"1234 / 5678":                                  {"1234", "5678"},
		"+49 30 1234567 ::: 0171 7654321":              {"+49 30 1234567", "0171 7654321"},
	} {
		if got := number.Split(field); !slices.Equal(got, want) {
			t.Errorf("Split(%q) = %q, want %q", field, got, want)
		}
		if numbers := number.Split(field); !slices.Equal(number.Split(number.Join(numbers)), numbers) {
			t.Errorf("%q are joined as %q", numbers, number.Join(numbers))
		}
	}
}

func FuzzSplit(f *testing.F) {
	for _, s := range []string{"030/1234567; 030 7654321 / +49 (0)30 1112222", "+1 425 555 0100, ext. 1234", ";;|,", " / ", "1;;2", "123;x123", "1\n2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		sum := 0
		numbers := number.Split(s)
		for _, n := range numbers {
			d := digits(n)
			if d == 0 || n != strings.Trim(n, " ;,|") || !strings.Contains(s, n) {
				t.Errorf("number %q of %q", n, s)
			}
			sum += d
		}
		if sum != digits(s) {
			t.Errorf("%d of %d digits of %q", sum, digits(s), s)
		}
	})
}

func digits(s string) (n int) {
	for _, r := range s {
		if unicode.IsDigit(r) {
			n++
		}
	}
	return n
}
