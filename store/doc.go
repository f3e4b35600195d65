// Package store keeps what must survive a power cut: the outbox of records that
// nobody has acknowledged yet, and small JSON values beside it.
//
// Call [Open] first. [Store.Update] runs one transaction: either everything in it
// is on disk when Update returns nil, or nothing is. The store keeps nothing in
// memory but what Open found, so no commit can leave memory and disk apart.
//
// # What it promises
//
//   - A record is dropped only when every destination has answered for it ([Tx.Settle]),
//     also one that Open was not told, until it is forgotten. Reading it ([Store.Pending])
//     changes nothing.
//   - A record has one identity for ever: stream, lane, sequence number. The stream
//     is random and born with the file; numbers count from 1 in each lane, without
//     holes, also after a crash.
//   - A [Thinner] drops only what its caller calls superfluous, and leaves holes: the
//     numbers of what is kept do not change.
//   - Open makes a file short again of which more than half is free: it writes a copy,
//     syncs and checks it, and renames it over the old one. Shorten does the same while the
//     store is open, if little is to be copied; meanwhile writers wait. Otherwise free
//     pages are used again and the file does not shrink.
//   - What is read is what was written. Every value carries a checksum; a record
//     whose checksum is wrong is never delivered, does not hold up the next one,
//     and ends in quarantine.
//   - A file written by version N opens in every later version. It never opens in
//     an earlier one; Open says so with [ErrNewer].
//   - Open never panics, whatever is in the file, and does not take for ever: a file
//     that cannot be read within [Options.CheckWithin] counts as damaged.
//   - With [Options.Salvage], Open does not fail because a file is damaged. The file is
//     renamed, and a new one under a new stream holds all records that lie on sound
//     pages, with their identity, and all keyed values that can still be reached.
//     [Store.Saved] says how much that is. A value that is old is never taken for a
//     present one; when the last transaction cannot be read, all keyed values are as
//     before it.
//
// # What it does not know
//
// Copiers, readings, orders, the meaning of a body, how anything is sent, what a
// reason for a refusal says. A body is JSON and comes back byte for byte as Append
// made it. It starts no goroutine and reads no clock except to date a refusal.
//
// # The layout, format 4
//
// One bbolt file with pages of 4096 bytes; all buckets are at the top level. Beside
// it lie "<path>.pid", which names the process that has it open and the streams
// (owner.go), and up to three files "<path>.damaged-<time>".
//
//	meta                    format: "4" in plain text. stream: sealed text. saved:
//	                        sealed JSON, if the file was made by a salvage.
//	lane/<lane>/<stream>    key: number (8 bytes, big endian). value: sealed record.
//	                        The bucket's own sequence is the last number given.
//	cursors                 key: destination 0 lane 0 stream. value: sealed number
//	                        of the last record this destination has answered for.
//	quarantine              key: destination 0 lane 0 stream 0 number.
//	                        value: sealed (time, reason, sealed record).
//	returned                key: destination 0 lane 0 place in this queue.
//	                        value: sealed (stream, number, sealed record).
//	                        What a person took out of quarantine to be sent again.
//	state/<bucket>          key: as given. value: sealed JSON.
//
// "Sealed" is: version 2 (1 byte), flags (1 byte), CRC-32C over the bucket's name, a
// zero byte, key and the rest (4 bytes), payload. A record's payload is: if flag 2 is
// set, the number of an era (uvarint); time (varint, microseconds since 1970), kind and
// subject (each uvarint length and text), then the body to the end: 17 bytes and the two
// texts on top of a body. Flag 4 says that the
// body, or the JSON, is packed (Zstandard, RFC 8878), as it is from 1024 bytes on where that
// saves an eighth: the 5 KB of a whole reading become 1.2 KB or so.
//
// Format 1 is the same without flags, and its seals have version 1 and do not cover
// the bucket's name. Format 2 has no flag 2. Both it and format 3 have flag 1 for flag 4, and
// pack in the way of RFC 1951, which saves 60 bytes more of a reading and takes four times as
// long to unpack. An older file becomes one of format 4 when it is opened: the number changes
// and the values stay, since each says how it is.
//
// The stream stands in the name of the bucket and in keys, not in the record. So the
// records saved from another file lie in a bucket of their own, keep their identity,
// and cost no byte more. As checksums cover the bucket's name, a record whose place in
// the trees is lost still proves which one it is.
//
// # What it costs
//
// For bodies of 586 bytes, 100 in a commit: 1,027 bytes on disk and 0.02 syncs a record,
// two for each commit, at some 0.9 of the rate of bbolt alone. Delivered 1,000 at a time,
// 43 bytes and 0.002 syncs more; 100 at a time, 418 and 0.02. A whole reading of 7 KB takes
// 1.7 KB. .ci/e2e/52-store-figures.sh measures it, beside SQLite and a plain file.
//
// # Why not the obvious way
//
// Freelist. bbolt writes its list of free pages with every commit, by default.
// After a large backlog has been delivered that list is long and is written again
// for every small commit: 193 KB instead of 21 KB were measured, and flash memory
// wears by bytes written. So the list is not written (NoFreelistSync), and Open
// finds the free pages by walking the file. bbolt does that walk in a goroutine of
// its own, where a damaged page ends the whole process. Therefore Open walks the
// file itself first, reading instead of mapping it, bounding everything before it
// is believed (check.go), and lets bbolt see only what passed. The walk costs one
// reading of the file, which the other walk finds in the page cache.
//
// Two head pages. bbolt takes the newer one that is intact, so a bad one undoes the last
// transaction in silence, and its numbers would be given again to other records, which
// the portal would drop as repeats. So one bad head page is damage like any other.
//
// A child process for the check would save us from a fault in mapped memory. As the
// check does not map, and has a deadline, it needs none. What no process can end is a
// read that hangs in the kernel.
//
// NoSync would lose confirmed records at a power cut. Batch may run a function
// twice. Packing several records into one value costs five times the writing.
// Appending buckets fill their pages (FillPercent 1), as numbers only go up.
//
// Pages are 4096 bytes also where the machine's are larger (16 and 64 KB on some
// ARM boards), since a commit rewrites whole pages.
//
// Address space. When the file outgrows its mapping, bbolt waits for all readers and maps
// it again, and if that fails it gives the file up. So 1 GiB is mapped from the start where
// there is address space for it, and a file that was given up is opened again. With 32 bits
// the file may become 256 MiB long, of which records do not get the last sixteenth: settling
// them, which makes room, needs some.
//
// Growth. bbolt makes the file longer in steps, and syncs each by itself. Writing behind its
// end makes it longer as well, and the sync of the commit, which comes before its head page is
// written, takes the new length along: fdatasync writes whatever is needed to find the data
// again (SQLite relies on it, too). So there are two syncs a commit, always.
//
// A sync that fails. The kernel forgets what it could not write, though it can still be
// read. So after a commit that failed both head pages are written anew, and a file whose
// birth was interrupted is made anew.
//
// A panic of bbolt after Open, because the disk goes bad while the program runs, is
// not caught: the program ends, is started again, and Open tells what is wrong.
package store
