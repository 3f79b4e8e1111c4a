package number_test

import (
	"fmt"

	"ringbook/directory"
	"ringbook/directory/number"
)

// A contact's number is read once; whoever calls may be written in any way.
func Example() {
	plan, err := number.NewPlan("DE")
	if err != nil {
		fmt.Println(err)
		return
	}
	written := "+49 (0)30 / 123 45-67"
	ph := directory.Phone{Kind: directory.PhoneWork, Written: written, E164: plan.E164(written)}
	fmt.Println(ph.E164)

	for _, caller := range []string{"0301234567", "0049301234567", "sip:+49301234567@pbx.contoso.com", "0301234568"} {
		fmt.Println(caller, plan.Query(caller).Equal(ph))
	}
	fmt.Println(plan.Format(ph, directory.NumbersNational))
	// Output:
	// +49301234567
	// 0301234567 true
	// 0049301234567 true
	// sip:+49301234567@pbx.contoso.com true
	// 0301234568 false
	// 0301234567
}
