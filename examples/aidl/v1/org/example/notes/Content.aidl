package org.example.notes;

/** What is in a note. */
union Content {
    String text = "";
    byte[] picture;
}
