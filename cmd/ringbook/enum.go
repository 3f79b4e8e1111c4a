package main

import (
	"fmt"
	"slices"
	"strings"
)

// An enum is a flag that takes one of a few words.
type enum[T ~string] struct {
	to    *T
	words []T
}

func newEnum[T ~string](to *T, words []T) *enum[T] { return &enum[T]{to, words} }

// String returns the value.
func (e *enum[T]) String() string {
	if e.to == nil { // cobra asks a zero value for its default
		return ""
	}
	return string(*e.to)
}

// Set takes the value, or says which there are.
func (e *enum[T]) Set(s string) error {
	if !slices.Contains(e.words, T(s)) {
		return fmt.Errorf("use one of %s", e.list(", "))
	}
	*e.to = T(s)
	return nil
}

// Type is what help shows for the value.
func (e *enum[T]) Type() string { return e.list("|") }

func (e *enum[T]) list(separator string) string {
	words := make([]string, len(e.words))
	for i, w := range e.words {
		words[i] = string(w)
	}
	return strings.Join(words, separator)
}
