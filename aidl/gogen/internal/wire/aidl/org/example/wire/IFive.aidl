package org.example.wire;

import org.example.wire.Five;

/** For benchmarks. */
interface IFive {
    int take(int number, String text, in Five five);
}
