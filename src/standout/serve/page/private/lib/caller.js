// Calls of a worker's functions by messages, so that the page stays responsive while they compute.
//
//   to the worker     {id, call: name, given: [...]}, or {cancel: id}
//   from the worker   {id, result}, or {id, error: {name, message}}

export class Caller {
  constructor(url) {
    this.waiting = new Map();
    this.last = 0;
    this.worker = new Worker(url, { type: "module" });
    this.worker.onmessage = ({ data }) => this.answered(data);
    this.worker.onerror = (event) => {
      event.preventDefault();
      this.failed(new Error(`the worker ${url} failed (${event.message || "it cannot be loaded"}); reload the page`));
    };
  }

  // What the worker's function returns. Rejects with its error, or at once with the signal's reason.
  call(name, given, { signal, transfer = [] } = {}) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      if (this.broken) throw this.broken;
      const id = ++this.last;
      const cancel = () => {
        this.waiting.delete(id);
        this.worker.postMessage({ cancel: id });
        reject(signal.reason);
      };
      signal?.addEventListener("abort", cancel, { once: true });
      const done = () => signal?.removeEventListener("abort", cancel);
      this.waiting.set(id, { resolve, reject, done });
      this.worker.postMessage({ id, call: name, given }, transfer);
    });
  }

  answered({ id, result, error }) {
    const one = this.waiting.get(id);
    if (!one) return;
    this.waiting.delete(id);
    one.done();
    if (!error) one.resolve(result);
    else if (error.name === "AbortError") one.reject(new DOMException(error.message, "AbortError"));
    else one.reject(new Error(error.message));
  }

  failed(error) {
    this.broken = error;
    for (const one of this.waiting.values()) {
      one.done();
      one.reject(error);
    }
    this.waiting.clear();
  }

  close() {
    this.worker.terminate();
    this.failed(new Error("it was closed; load it again"));
  }
}

// Answers the calls of a Caller in a worker. functions: name -> (check, ...given) -> {result, transfer};
// check() throws once the call is canceled.
export function answer(functions) {
  const canceled = new Set();
  const open = new Set();
  self.onmessage = async ({ data: { id, call, given, cancel } }) => {
    if (cancel) {
      if (open.has(cancel)) canceled.add(cancel);
      return;
    }
    const check = () => {
      if (canceled.has(id)) throw new DOMException("the work was canceled", "AbortError");
    };
    open.add(id);
    try {
      const { result, transfer = [] } = await functions[call](check, ...given);
      self.postMessage({ id, result }, transfer);
    } catch (error) {
      self.postMessage({ id, error: { name: error.name, message: String(error.message || error) } });
    } finally {
      open.delete(id);
      canceled.delete(id);
    }
  };
}
