package text_test

import (
	"fmt"

	"ringbook/directory/text"
)

// A name is indexed in both forms, and looked for in both forms.
func ExampleVariants() {
	for _, s := range []string{"Müller", "MULLER", "Mueller"} {
		folded, spelt := text.Variants(s)
		fmt.Printf("%s: %q %q\n", s, folded, spelt)
	}
	// Output:
	// Müller: "muller" "mueller"
	// MULLER: "muller" ""
	// Mueller: "mueller" ""
}
