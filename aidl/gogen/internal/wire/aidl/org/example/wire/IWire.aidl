package org.example.wire;

import org.example.wire.Choice;
import org.example.wire.Objects;
import org.example.wire.Point;

@SensitiveData
interface IWire {
    int call(int number, String text, in Point point);
    oneway void forget(int number);
    String reverse(in String[] input, out String[] repeated, inout Point point, out Point fresh);
    @nullable Point perhaps(in @nullable Point point, @nullable String text, in @nullable int[] numbers);
    Choice choose(in Choice choice);
    int[3] fix(in int[3] input, out int[3] repeated);
    List<String> list(in List<String> input, out List<String> repeated);
    IWire self(in @nullable IWire other);
    FileDescriptor raw(in FileDescriptor file);
    ParcelFileDescriptor owned(in ParcelFileDescriptor file);
    CharSequence text(CharSequence text);
    Map map(in Map map);
    List values(in List values);
    void objects(in Objects objects);
    @EnforcePermission("INTERNET") void needs();
    @EnforcePermission(anyOf={"VIBRATE", "a.b.OTHER"}) void needsAny();
}
