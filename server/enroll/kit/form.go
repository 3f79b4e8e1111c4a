package kit

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"unicode/utf8"

	"ringbook/directory/text"
)

// A form is how a vendor's configuration is written. What the table writes is in
// the form's own syntax already; what stands for a placeholder is escaped.
type form struct {
	first   string // before the comments
	comment string // one line, of {text}; "" = the form has none
	open    string // before the settings
	setting string // one line, of {key} and {value}
	width   int    // to which keys are padded; -1 = to the longest
	close   string
	escape  func(string) string
}

// The forms. Nothing changes them.
var (
	// listForm is what a person types in.
	listForm = form{comment: "{text}\n", open: "\n", setting: "{key}  {value}\n", width: -1, escape: oneLine}
	// cfgForm: Yealink's and Akuvox's key = value. The first line must be this one.
	cfgForm = form{first: "#!version:1.0.0.1\n", comment: "# {text}\n", setting: "{key} = {value}\n", escape: oneLine}
	// aastraForm: Mitel's key: value.
	aastraForm = form{comment: "# {text}\n", setting: "{key}: {value}\n", escape: oneLine}
	// iniForm: Linphone's linphonerc.
	iniForm = form{comment: "# {text}\n", open: "[ldap_0]\n", setting: "{key}={value}\n", escape: oneLine}
	// snomForm: Snom's settings, and those of Gigaset's P phones, which Snom makes.
	snomForm = form{
		first: xmlHead, comment: xmlComment, open: "<settings>\n  <phone-settings>\n",
		setting: "    <{key} perm=\"\">{value}</{key}>\n", close: "  </phone-settings>\n</settings>\n", escape: xmlText,
	}
	// flatForm: Cisco's multiplatform phones.
	flatForm = form{
		first: xmlHead, comment: xmlComment, open: "<flat-profile>\n",
		setting: "  <{key} ua=\"na\">{value}</{key}>\n", close: "</flat-profile>\n", escape: xmlText,
	}
	// partForm: Grandstream's parts of one item.
	partForm = form{
		first: xmlHead, comment: xmlComment, open: "<gs_provision>\n  <config version=\"2\">\n    <item name=\"ldap\">\n",
		setting: "      <part name=\"{key}\">{value}</part>\n", close: "    </item>\n  </config>\n</gs_provision>\n", escape: xmlText,
	}
	// itemForm: Grandstream's items by their full names.
	itemForm = form{
		first: xmlHead, comment: xmlComment, open: "<gs_provision>\n  <config version=\"2\">\n",
		setting: "    <item name=\"{key}\">{value}</item>\n", close: "  </config>\n</gs_provision>\n", escape: xmlText,
	}
	// paramForm: Gigaset's Maxwell.
	paramForm = form{
		first: xmlHead, comment: xmlComment, open: "<provisioning version=\"1.1\">\n  <nvm>\n",
		setting: "    <param name=\"{key}\" value=\"{value}\"/>\n", close: "  </nvm>\n</provisioning>\n", escape: xmlText,
	}
	// polyForm: attributes of one element.
	polyForm = form{
		first: xmlHead, comment: xmlComment, open: "<polycomConfig>\n  <directory\n",
		setting: "    {key}=\"{value}\"\n", close: "  />\n</polycomConfig>\n", escape: xmlText,
	}
	// fanvilForm has columns and no comments.
	fanvilForm = form{
		first:   "<<VOIP CONFIG FILE>>Version:2.0000000000\n\n<PHONE FEATURE MODULE>\n",
		setting: "{key}:{value}\n", width: 25, close: "\n<<END OF FILE>>\n", escape: oneLine,
	}
	// prefsForm: Thunderbird's user.js.
	prefsForm = form{comment: "// {text}\n", setting: "user_pref(\"{key}\", {value});\n", escape: jsText}
)

const (
	xmlHead    = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	xmlComment = "<!-- {text} -->\n"
)

// A setting is one line; without a key it is the value alone, whatever the form.
type setting struct{ key, value string }

func (s setting) holdsSecret() bool {
	return strings.Contains(s.value, "{secret}") || strings.Contains(s.value, "{book-url-login}")
}

// write writes a kit: comments, then settings.
func (f *form) write(comments []string, settings []setting, values map[string]string) []byte {
	var b strings.Builder
	b.WriteString(f.first)
	if f.comment != "" {
		for _, c := range comments {
			b.WriteString(strings.ReplaceAll(f.comment, "{text}", f.remark(c)))
		}
	}
	b.WriteString(f.open)
	width := f.width
	for _, s := range settings {
		if f.width < 0 && s.key != "" {
			width = max(width, utf8.RuneCountInString(s.key))
		}
	}
	for _, s := range settings {
		value := fill(s.value, values, f.escape)
		if s.key == "" {
			b.WriteString(value + "\n")
			continue
		}
		key := s.key + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s.key)))
		b.WriteString(strings.NewReplacer("{key}", key, "{value}", value).Replace(f.setting))
	}
	b.WriteString(f.close)
	return []byte(b.String())
}

// remark is a text inside a comment: one line, and in XML without what would end
// it (XML 1.0 §2.5).
func (f *form) remark(s string) string {
	s = oneLine(s)
	if f.comment == xmlComment {
		for strings.Contains(s, "--") {
			s = strings.ReplaceAll(s, "--", "- -")
		}
	}
	return s
}

// oneLine is what a form of lines can hold.
func oneLine(s string) string { return text.Clean(s, false) }

func xmlText(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(oneLine(s))); err != nil {
		return "" // a Builder does not fail
	}
	return b.String()
}

// jsText is the inside of a string literal of JavaScript.
func jsText(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(oneLine(s)); err != nil {
		return ""
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(b.String()), `"`), `"`)
}
