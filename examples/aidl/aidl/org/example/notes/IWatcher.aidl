package org.example.notes;

import org.example.notes.Note;

/** Hears of new notes. */
interface IWatcher {
    void added(long id, in Note note);
}
