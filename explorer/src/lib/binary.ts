// Reads the server's binary results: a safetensors file with the JSON document in its metadata.

export interface FloatArray {
  shape: number[];
  values: Float32Array;
}

export interface BinaryAnswer<T> {
  document: T;
  arrays: Record<string, FloatArray>;
}

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

export function readBinary<T>(buffer: ArrayBuffer): BinaryAnswer<T> {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const arrays: Record<string, FloatArray> = {};
  for (const [name, entry] of Object.entries(header) as [string, Entry][]) {
    if (name === "__metadata__") continue;
    const [begin, end] = entry.data_offsets;
    arrays[name] = { shape: entry.shape, values: new Float32Array(buffer, 8 + length + begin, (end - begin) / 4) };
  }
  return { document: JSON.parse(header.__metadata__.document), arrays };
}
