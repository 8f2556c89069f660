/** What the core looks at, at most; known here too, so that a video is not read for nothing. */
export const MAX_PICTURE_BYTES = 8 * 1024 * 1024

/** A file's bytes in base64. */
export function base64(file: Blob): Promise<string> {
  return new Promise((done, fail) => {
    const reader = new FileReader()
    reader.onload = () => done(String(reader.result).replace(/^[^,]*,/, ''))
    reader.onerror = () => fail({ code: 'safety.picture_unreadable', detail: null })
    reader.readAsDataURL(file)
  })
}
