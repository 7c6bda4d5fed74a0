/**
 * How a photo has to be turned to stand upright: the EXIF orientation of a JPEG, 1 (as it is) to 8; 1 if there is none.
 *
 * @param exif the contents of the APP1 segment after "Exif\\0\\0": a TIFF header and its first directory
 */
export function orientation(exif: Uint8Array): number {
  const view = new DataView(exif.buffer, exif.byteOffset, exif.byteLength);
  try {
    const little = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, little);
    for (let i = 0; i < view.getUint16(directory, little); i++) {
      const entry = directory + 2 + 12 * i;
      if (view.getUint16(entry, little) === 0x0112) return view.getUint16(entry + 8, little);
    }
  } catch (error) {
    // A directory that points outside of the segment is damaged; the picture itself need not be.
    if (!(error instanceof RangeError)) throw error;
  }
  return 1;
}
