package fleet

import "time"

// ring is how many milliseconds ahead an event has a slot of its own.
const ring = 4096

// horizon is the longest time that an event may lie ahead in the ring.
const horizon = (ring - 1) * time.Millisecond

// chunkSize makes a chunk half a kibibyte.
const chunkSize = 126

// chunk is a part of the list of clients that wake in one second.
type chunk struct {
	ids  [chunkSize]uint32
	n    uint32
	next int32 // index + 1; 0: none
}

// slabSize is how many chunks are allocated at once.
const slabSize = 1024

// wheel holds what is to come: events of the next four seconds by the
// millisecond, and of the rest by the second. Both are lists, so that an event
// costs the same however many there are.
type wheel struct {
	near  [ring][]uint32
	far   []int32 // by second: index + 1 of its newest chunk
	slabs [][]chunk
	free  int32 // index + 1 of a chunk that is free
}

func newWheel(seconds int) *wheel { return &wheel{far: make([]int32, seconds)} }

func (w *wheel) chunk(index int32) *chunk {
	return &w.slabs[(index-1)/slabSize][(index-1)%slabSize]
}

// soon puts an event into the ring.
func (w *wheel) soon(at int64, event uint32) {
	slot := &w.near[at%ring]
	*slot = append(*slot, event)
}

// later notes a client for a second; beyond the end it is forgotten.
func (w *wheel) later(second int64, client uint32) {
	if second >= int64(len(w.far)) {
		return
	}
	head := w.far[second]
	if head == 0 || w.chunk(head).n == chunkSize {
		fresh := w.take()
		w.chunk(fresh).next = head
		w.far[second], head = fresh, fresh
	}
	c := w.chunk(head)
	c.ids[c.n] = client
	c.n++
}

func (w *wheel) take() int32 {
	if w.free == 0 {
		slab := make([]chunk, slabSize)
		first := int32(len(w.slabs)*slabSize) + 1 //nolint:gosec // a chunk holds up to 126 of at most 2^30 clients
		for i := range slab {
			slab[i].next = first + int32(i) + 1
		}
		slab[slabSize-1].next = 0
		w.slabs = append(w.slabs, slab)
		w.free = first
	}
	index := w.free
	c := w.chunk(index)
	w.free = c.next
	c.n, c.next = 0, 0
	return index
}

// open hands out the clients of a second, and frees their chunks.
func (w *wheel) open(second int64, each func(client uint32)) {
	for index := w.far[second]; index != 0; {
		c := w.chunk(index)
		for _, id := range c.ids[:c.n] {
			each(id)
		}
		next := c.next
		c.next, w.free = w.free, index
		index = next
	}
	w.far[second] = 0
}
