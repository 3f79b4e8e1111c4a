package text_test

import (
	"fmt"

	"ringbook/directory/text"
)

// A name is indexed in all its forms, and looked for in all its forms.
func ExampleVariants() {
	for _, s := range []string{"Müller", "MULLER", "Mueller", "O'Neil", "Иванов"} {
		fmt.Printf("%s: %q\n", s, text.Variants(s).Distinct())
	}
	// Output:
	// Müller: ["muller" "mueller"]
	// MULLER: ["muller"]
	// Mueller: ["mueller"]
	// O'Neil: ["o'neil" "oneil"]
	// Иванов: ["иванов" "ivanov"]
}
