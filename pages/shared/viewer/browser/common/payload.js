// Bytes that the server has compressed, from its media files.

const TRIES = 4;
const PAUSE_MS = 400;
export const SALT_BYTES = 16; // in front of the content: the name of a media file is made from what it holds

/** Return the bytes behind an address, unpacked; an Error where they cannot be had. */
export async function unpacked(url) {
  for (let tries = 1; ; tries += 1) {
    try {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`${answer.status}`);
      const stream = answer.body.pipeThrough(new DecompressionStream("gzip"));
      return new Uint8Array(await new Response(stream).arrayBuffer()).subarray(SALT_BYTES);
    } catch (error) {
      if (tries >= TRIES) throw error;
      await new Promise((go) => setTimeout(go, PAUSE_MS * tries));
    }
  }
}
