/** Requests to this page's own server, whose refusals become errors in plain words. */

const KEY = "standout-key";
const MOST_WAITS = 60;

export const NO_ANSWER =
  "The server does not answer. If it was stopped, start it again with “standout serve”, then try again.";

/**
 * Where photos go: nowhere, if the server has this machine's own name or there is none, else to that server.
 *
 * @param {string} host @param {boolean} hasServer
 */
export function whereabouts(host, hasServer) {
  const isHere = !hasServer || /^(localhost|127(\.\d+){3}|\[::1\])$/.test(host);
  return isHere ? "Your photos stay on this computer" : `Your photos go to ${host}, and nowhere else`;
}

/** An answer that is no success. status: 0 where there was no answer at all. */
export class ServerError extends Error {
  /** @param {string} message @param {{status: number, code: string}} about */
  constructor(message, { status, code }) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @type {(isWrong: boolean) => Promise<string|null>} */
let askForKey = async () => null;

/** @param {(isWrong: boolean) => Promise<string|null>} ask shows the question for the key; null = it was not given */
export function onKeyNeeded(ask) {
  askForKey = ask;
}

/** @returns {Record<string, string>} the header that brings the key, where one was given */
export function keyHeader() {
  const key = sessionStorage.getItem(KEY);
  return key ? { "X-Api-Key": key } : {};
}

/** @type {Promise<boolean>|null} */
let asking = null;

/** Asks for the key; several requests that lack it at once share one question. */
function newKey() {
  asking ??= askForKey(sessionStorage.getItem(KEY) !== null)
    .then((key) => {
      if (key) sessionStorage.setItem(KEY, key);
      return Boolean(key);
    })
    .finally(() => {
      asking = null;
    });
  return asking;
}

/**
 * The server's answer. A full queue is waited for, as long as the server says.
 * @param {string} path
 * @param {{method?: string, body?: BodyInit|null, headers?: Record<string, string>, signal?: AbortSignal|null,
 *   onWait?: (seconds: number) => void}} [options]
 * @returns {Promise<Response>}
 * @throws {ServerError} with a message in plain words
 */
export async function ask(path, { method = "POST", body = null, headers = {}, signal = null, onWait = () => {} } = {}) {
  for (let waits = 0; ; ) {
    const answer = await sent(path, { method, body, signal, headers: { ...headers, ...keyHeader() } });
    if (answer.ok) return answer;
    if (answer.status === 429 && waits < MOST_WAITS) {
      const seconds = Math.max(1, Number(answer.headers.get("Retry-After")) || 1);
      await answer.body?.cancel();
      onWait(seconds);
      await pause(seconds * 1000, signal);
      waits += 1;
      continue;
    }
    const error = await plain(answer);
    if (error.code === "auth_failed" && (await newKey())) continue;
    throw error;
  }
}

/** @param {string} path @param {RequestInit} options */
async function sent(path, options) {
  try {
    return await fetch(path, { cache: "no-store", ...options });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new ServerError(NO_ANSWER, { status: 0, code: "no_answer" });
  }
}

/** @param {number} milliseconds @param {AbortSignal|null} [signal] @returns {Promise<void>} */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

/** @type {Record<string, string>} */
const PLAIN = {
  file_too_large: "The file is too large for this server.",
  invalid_file_type: "This is not a picture or clip that can be read.",
  invalid_dimensions: "The picture is damaged, and its size cannot be read.",
  failed_to_read_image: "The picture is damaged or was cut off, and cannot be read.",
  resolution_too_high: "The picture has more pixels than this server takes.",
  rate_limit_exceeded: "The server is busy. Try again in a while.",
  request_timeout: "Sending the file took too long. Try a smaller one, or a faster network.",
  auth_failed: "The server wants a key, and the one given is not right.",
  internal_server_error: "The server failed at this. What it printed says why.",
  service_unavailable: "The server cannot use its model. What it printed says why.",
};

/** @param {Response} answer @returns {Promise<ServerError>} the refusal in plain words */
async function plain(answer) {
  let code = "";
  let detail = "";
  try {
    ({ code = "", detail = "" } = (await answer.json()).errors[0]);
  } catch {
    // something between the page and the server answered, such as a proxy
  }
  const limit = /wanted at most ([\d,.]+ ?[a-z]*)/i.exec(detail)?.[1];
  const message = PLAIN[code] ?? detail ?? "";
  const known = message || `The server answered with an error (${answer.status}).`;
  const told = code === "resolution_too_high" && limit ? `${known} It takes up to ${limit}.` : known;
  return new ServerError(told, { status: answer.status, code });
}
