package org.example.notes;

import org.example.notes.Content;

/** A note in a notebook. */
parcelable Note {
    /** Who wrote it, and where. */
    parcelable Author {
        String name = "anonymous";
        @nullable String place;
    }

    String title;
    Author author;
    Content content;
    List<String> tags;

    /** How much a note matters. New in version 2. */
    @Backing(type="int")
    enum Weight {
        LIGHT,
        NORMAL,
        HEAVY
    }
    Weight weight = Weight.NORMAL;
}
