/** A neighbour that waits no longer, in milliseconds at the 99th percentile, waits for noise of a machine with two processors. */
export const p99FloorMs = 75;
