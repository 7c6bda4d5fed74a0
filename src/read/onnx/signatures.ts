/** The first bytes of files that are often mistaken for a network. */
export const signatures: readonly [string, readonly number[]][] = [
  ["a JPEG picture", [0xff, 0xd8, 0xff]],
  ["a PNG picture", [0x89, 0x50, 0x4e, 0x47]],
  ["a zip archive (a PyTorch checkpoint is one)", [0x50, 0x4b, 0x03, 0x04]],
  ["a NumPy array", [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59]],
  ["a gzip archive", [0x1f, 0x8b]],
  ["an HDF5 file", [0x89, 0x48, 0x44, 0x46]],
  ["a web page or XML", [0x3c]],
  ["text", [0x7b]],
];
