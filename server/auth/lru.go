package auth

import "container/list"

// An lru is a map that forgets what was not used for longest.
type lru[K comparable, V any] struct {
	size  int
	order *list.List // of *pair[K, V], the last used first
	items map[K]*list.Element
}

type pair[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any](size int) *lru[K, V] {
	return &lru[K, V]{size: size, order: list.New(), items: map[K]*list.Element{}}
}

// get returns the value of k and counts as a use of it.
func (l *lru[K, V]) get(k K) (V, bool) {
	e, ok := l.items[k]
	if !ok {
		var none V
		return none, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*pair[K, V]).value, true //nolint:errcheck // the list holds nothing else
}

// put sets the value of k.
func (l *lru[K, V]) put(k K, v V) {
	if e, ok := l.items[k]; ok {
		e.Value.(*pair[K, V]).value = v //nolint:errcheck // the list holds nothing else
		l.order.MoveToFront(e)
		return
	}
	l.items[k] = l.order.PushFront(&pair[K, V]{k, v})
	if l.order.Len() > l.size {
		oldest := l.order.Remove(l.order.Back()).(*pair[K, V]) //nolint:errcheck // as above
		delete(l.items, oldest.key)
	}
}
