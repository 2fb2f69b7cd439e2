"""The shim's trace, and what a disk may hold when the power goes away in the middle of it.

The model of a disk: of each file the 4 KiB pages written since its last fsync survive one by one or not, and
its length is one of those it had since; of each folder the entries added and removed since its last fsync
survive as a prefix. A file's fsync says nothing about the entry that names it, nor a folder's about its own
entry.
"""

import collections
import os
import random
import struct

HEAD = struct.Struct("<IIQQQII")
(
    OPENED,
    WRITTEN,
    TRUNCATED,
    SYNCED,
    RENAMED,
    LINKED,
    REMOVED,
    FOLDER_MADE,
    READ_FROM,
    ACKNOWLEDGED,
    STEP,
    CLOSED,
) = range(1, 13)
PAGE = 4096
EXCHANGE = 2  # flag of RENAMED
Event = collections.namedtuple("Event", "kind flags handle offset data path other")


def read(path):
    with open(path, "rb") as file:
        content = file.read()
    events, at = [], 0
    while at + HEAD.size <= len(content):
        kind, flags, handle, offset, size, first, second = HEAD.unpack_from(content, at)
        at += HEAD.size
        path, at = content[at : at + first].decode(), at + first
        other, at = content[at : at + second].decode(), at + second
        data = b""
        if kind in (WRITTEN, ACKNOWLEDGED):
            data, at = content[at : at + size], at + size
        events.append(Event(kind, flags, handle, offset, data, path, other))
    return events


class File:
    def __init__(self):
        self.now, self.durable = bytearray(), b""
        self.writes, self.lengths = [], [0]

    def write(self, offset, data):
        if len(self.now) < offset + len(data):
            self.now.extend(bytes(offset + len(data) - len(self.now)))
        self.now[offset : offset + len(data)] = data
        self.writes.append((offset, data))
        self.lengths.append(len(self.now))

    def truncate(self, size):
        del self.now[size:]
        self.now.extend(bytes(size - len(self.now)))
        self.lengths.append(size)

    def sync(self):
        self.durable = bytes(self.now)
        self.writes, self.lengths = [], [len(self.now)]

    def after_power_cut(self, survival):
        pages = collections.defaultdict(list)
        for offset, data in self.writes:
            for page in range(offset // PAGE, (offset + len(data) - 1) // PAGE + 1 if data else 0):
                low, high = max(offset, page * PAGE), min(offset + len(data), (page + 1) * PAGE)
                pages[page].append((low, data[low - offset : high - offset]))
        content = bytearray(self.durable)
        for pieces in pages.values():
            kept = len(pieces) if random.random() < survival else random.randrange(len(pieces) + 1)
            for low, data in pieces[:kept] if random.random() < survival else []:
                content.extend(bytes(max(0, low + len(data) - len(content))))
                content[low : low + len(data)] = data
        length = self.lengths[-1] if random.random() < survival else random.choice(self.lengths)
        return bytes(content[:length]).ljust(length, b"\0")


class Folder:
    def __init__(self):
        self.now, self.durable, self.changes = {}, {}, []

    def change(self, entries):  # name: node, None removes it
        self.changes.append(entries)
        self.apply(self.now, entries)

    @staticmethod
    def apply(names, entries):
        for name, node in entries.items():
            if node is None:
                names.pop(name, None)
            else:
                names[name] = node

    def sync(self):
        self.durable, self.changes = dict(self.now), []

    def after_power_cut(self, survival):
        names = dict(self.durable)
        kept = len(self.changes) if random.random() < survival else random.randrange(len(self.changes) + 1)
        for entries in self.changes[:kept]:
            self.apply(names, entries)
        return names


class Disk:
    """Carries out a trace below `root`, which exists durably from the start."""

    def __init__(self, root, file_syncs=True, folder_syncs=True):
        self.root, self.top, self.handles = root, Folder(), {}
        self.file_syncs, self.folder_syncs = file_syncs, folder_syncs
        self.acknowledged = []

    def find(self, path):
        node = self.top
        for part in os.path.relpath(path, self.root).split("/"):
            node = node if part == "." else node.now.get(part) if isinstance(node, Folder) else None
        return node

    def parent(self, path):
        return self.find(os.path.dirname(path)), os.path.basename(path)

    def apply(self, event):
        kind, node = event.kind, self.handles.get(event.handle)
        if kind == OPENED:
            self.open(event)
        elif kind == WRITTEN:
            node.write(event.offset, event.data)
        elif kind == TRUNCATED:
            node.truncate(event.offset)
        elif kind == SYNCED:
            if self.folder_syncs if isinstance(node, Folder) else self.file_syncs:
                node.sync()
        elif kind in (RENAMED, LINKED):
            self.name(event)
        elif kind == REMOVED:
            folder, name = self.parent(event.path)
            folder.change({name: None})
        elif kind == FOLDER_MADE:
            folder, name = self.parent(event.path)
            folder.change({name: Folder()})
        elif kind == CLOSED:
            self.handles.pop(event.handle, None)
        elif kind == ACKNOWLEDGED:
            self.acknowledged.append(event.data)

    def open(self, event):
        created, emptied = event.flags & 1, event.flags & 2
        node = self.find(event.path)
        if node is None:
            assert created, f"{event.path} was opened, and the trace does not know how it came there"
            node = File()
            folder, name = self.parent(event.path)
            folder.change({name: node})
        elif emptied:
            node.truncate(0)
        else:
            assert not created, f"{event.path} was created, and the trace does not know how it went"
        self.handles[event.handle] = node

    def name(self, event):
        node = self.find(event.path)
        source, old = self.parent(event.path)
        target, new = self.parent(event.other)
        if event.kind == RENAMED and event.flags & EXCHANGE:
            other = self.find(event.other)
            if source is target:
                target.change({new: node, old: other})
            else:
                target.change({new: node})
                source.change({old: other})
        elif event.kind == LINKED:
            target.change({new: node})
        elif source is target:
            target.change({new: node, old: None})
        else:
            target.change({new: node})
            source.change({old: None})

    def lay_out(self, place, power_cut):
        """Writes the tree to a real folder: as it is, or as the power cut leaves it."""
        survival = random.choice((0.0, 0.3, 0.7, 0.95, 1.0))
        self._lay_out(self.top, place, survival if power_cut else None)

    def _lay_out(self, folder, place, survival):
        os.makedirs(place, exist_ok=True)
        names = folder.now if survival is None else folder.after_power_cut(survival)
        for name, node in names.items():
            path = os.path.join(place, name)
            if isinstance(node, Folder):
                self._lay_out(node, path, survival)
            else:
                with open(path, "wb") as file:
                    file.write(node.now if survival is None else node.after_power_cut(survival))


def in_place(events):
    """The same trace as a program without temporary files would write it: straight into the target."""
    target_of = {
        event.path: event.other for event in events if event.kind == RENAMED and event.path.endswith(".tmp")
    }
    for event in events:
        if event.kind == OPENED and event.path in target_of:
            yield event._replace(path=target_of[event.path], flags=3 if event.flags & 1 else 0)
        elif event.path not in target_of:
            yield event


def difference(one, other):
    """The first difference between two folders, or None."""

    def tree(top):
        return {
            os.path.relpath(os.path.join(folder, name), top): os.path.join(folder, name)
            for folder, folders, files in os.walk(top)
            for name in folders + files
        }

    first, second = tree(one), tree(other)
    for name in sorted(set(first) | set(second)):
        if name not in first or name not in second:
            return f"{name} is only in one"
        if os.path.isfile(first[name]):
            with open(first[name], "rb") as a, open(second[name], "rb") as b:
                if a.read() != b.read():
                    return f"{name} differs"
    return None
