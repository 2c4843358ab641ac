/** What npm asked, as far as the proxy believes it. */
export interface NpmRequest {
  readonly method: string
  readonly url: string
  /** Who asks, as was proven. */
  readonly requester: string
  /** How whoever asks reaches the proxy, such as `http://127.0.0.1:4873`. */
  readonly address: string
  readonly accept?: string
  readonly ifNoneMatch?: string
  /** `content-encoding` of the body. */
  readonly encoding?: string
  /** The body. MUST be bounded. */
  readonly body: () => Promise<Uint8Array>
}
