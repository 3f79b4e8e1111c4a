package graphtest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Numbers are drawn from the person's number, not from chance, so that no two
// people share a direct line or a mobile phone: up to 90,000 people in German
// offices, whose lines can grow by two digits. Elsewhere lines repeat.
const (
	shortLines = 1000  // the first 1,000 people have lines of 3 digits, the others of 5
	longLines  = 90000 // 10000 to 99999
	filmPhones = 100   // the mobile numbers 0171 39200xx are kept free for films
)

// phones gives a person one to four numbers, or, 6 times in 100, none.
func (s *samples) phones(r *rand.Rand, p *person, o *office, i int) {
	if r.IntN(100) < 6 {
		return
	}
	line := directLine(o, i)
	if r.IntN(100) < 85 {
		p.Business = dial(pick(r, o.forms), line)
		if o.home != "" && r.IntN(25) == 0 { // two in one field, as people do
			p.Business += "; " + dial(o.forms[0], fmt.Sprintf("0%04d", i%10000))
		}
	}
	if p.Business == "" || r.IntN(100) < 60 {
		p.Mobile = mobile(r, o, i)
	}
	if o.home != "" && r.IntN(100) < 12 {
		p.Home = dial(o.home, fmt.Sprintf("0%04d", i%10000))
	}
	if o.fax != "" && r.IntN(100) < 15 {
		p.Fax = dial(o.fax, line)
	}
}

// directLine returns the digits behind the office's number.
func directLine(o *office, i int) string {
	switch {
	case o.digits == 2:
		return fmt.Sprintf("%02d", i*37%100)
	case o.digits == 4:
		return fmt.Sprintf("%04d", (4711+i*3571)%10000)
	case o.digits == 3 || i < shortLines:
		return fmt.Sprintf("%03d", (42+i*617)%shortLines)
	}
	return fmt.Sprint(10000 + i*6151%longLines)
}

// mobile returns a mobile number. When those kept free are used up, it is one
// of a range (0150 0) that has never been given to anybody.
func mobile(r *rand.Rand, o *office, i int) string {
	form := pick(r, o.mobiles)
	if !strings.Contains(form, "{m}") {
		return dial(form, directLine(o, i))
	}
	if i < filmPhones {
		return strings.Replace(form, "{m}", fmt.Sprintf("39200%02d", (42+i)%filmPhones), 1)
	}
	form = strings.Replace(form, "171", "150", 1)
	return strings.Replace(form, "{m}", fmt.Sprintf("0%07d", i*7919%10000000), 1)
}

func dial(form, line string) string {
	if before, after, ok := strings.Cut(form, "{x}"); ok {
		return before + line + after
	}
	half := len(line) / 2
	return strings.Replace(strings.Replace(form, "{aa}", line[:half], 1), "{bb}", line[half:], 1)
}
