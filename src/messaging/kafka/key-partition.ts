const m = 0x5bd1e995;

/** MurmurHash2 as Kafka's own clients compute it, as a signed 32-bit number. */
export const murmur2 = (data: Buffer): number => {
  const size = data.length;
  let hash = 0x9747b28c ^ size;
  let index = 0;
  for (; size - index >= 4; index += 4) {
    let word = Math.imul(data.readInt32LE(index), m);
    word ^= word >>> 24;
    hash = Math.imul(hash, m) ^ Math.imul(word, m);
  }
  const rest = size - index;
  if (rest === 3) hash ^= (data[index + 2] ?? 0) << 16;
  if (rest >= 2) hash ^= (data[index + 1] ?? 0) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ (data[index] ?? 0), m);
  hash = Math.imul(hash ^ (hash >>> 13), m);
  return hash ^ (hash >>> 15);
};

/** Partition of a key, the same for every client of the topic. */
export const partitionOfKey = (key: Buffer, partitions: number): number => (murmur2(key) & 0x7fffffff) % partitions;
