package org.example.notes;

/** What is in a note. */
union Content {
    String text = "";
    byte[] picture;
    /** New in version 2. */
    String link;
}
