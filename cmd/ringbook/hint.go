package main

import "regexp"

// configFlag is what a command needs behind it to ask the same server as this one:
// "" = nothing, since no file was named.
func (o *options) configFlag() string {
	if o.config == "" {
		return ""
	}
	return " --config " + quote(o.config)
}

// hinted are the commands that a sentence tells to run, from the first mark on.
var hinted = regexp.MustCompile("`ringbook [^`]+")

// copyable makes the commands of a sentence, of this program's or of the server's, such
// as can be pasted as they stand.
func (o *options) copyable(sentence string) string {
	return hinted.ReplaceAllStringFunc(sentence, func(command string) string { return command + o.configFlag() })
}
