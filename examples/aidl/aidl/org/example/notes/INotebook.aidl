package org.example.notes;

import org.example.notes.IWatcher;
import org.example.notes.Note;

/** A notebook that several programs share. */
interface INotebook {
    /** The service-specific error of a note that is not there. */
    const int NO_SUCH_NOTE = 1;

    /** Adds a note and returns its number. */
    long add(in Note note);

    Note get(long id);

    /** From now on the watcher hears of notes that are added. */
    void watch(IWatcher watcher);

    /** The notebook as text, to be read from a descriptor. */
    ParcelFileDescriptor print();

    /** Ends the notebook's process. */
    oneway void close();

    /** The numbers of the notes with a tag. New in version 2. */
    long[] find(String tag);
}
