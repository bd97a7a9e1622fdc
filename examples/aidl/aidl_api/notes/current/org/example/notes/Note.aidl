///////////////////////////////////////////////////////////////////////////////
// A snapshot of an interface, written by aidlgen. Do not edit it.
//
// In a folder with a number it is a frozen version: programs were compiled
// against it, and changing it breaks them. In the folder "current" it is what
// the next version will be.
///////////////////////////////////////////////////////////////////////////////

package org.example.notes;
parcelable Note {
  String title;
  org.example.notes.Note.Author author;
  org.example.notes.Content content;
  List<String> tags;
  org.example.notes.Note.Weight weight = org.example.notes.Note.Weight.NORMAL;
  parcelable Author {
    String name = "anonymous";
    @nullable String place;
  }
  @Backing(type="int")
  enum Weight {
    LIGHT,
    NORMAL,
    HEAVY,
  }
}
