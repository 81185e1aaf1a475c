import { useState } from "react";
import { ApiError, postJson } from "../api/client.ts";
import { focusOnMount } from "../ui/focus.ts";

/** `/login`: one text field, one password field; Enter submits. */
export function LoginPage() {
  const [user, setUser] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    setBusy(true);
    setError("");
    try {
      await postJson("/login", { user, password });
      window.location.assign(backAddress());
    } catch (failure) {
      setError(
        failure instanceof ApiError && failure.status === 401 ? "Wrong user name or password." : messageOf(failure),
      );
      setBusy(false);
    }
  };
  return (
    <div className="login">
      <form
        className="login-box"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <svg width="48" height="48" viewBox="0 0 32 32" aria-hidden="true">
          <rect width="32" height="32" rx="7" className="logo-ground" />
          <path
            d="M8 9h16L12 23h12"
            fill="none"
            className="logo-mark"
            strokeWidth="3.4"
            strokeLinecap="round"
            strokeLinejoin="round"
          />
        </svg>
        <h1>Welcome to GatewayZ</h1>
        <label>
          User name
          <input
            type="text"
            name="user"
            autoComplete="username"
            ref={focusOnMount}
            value={user}
            onChange={(event) => setUser(event.target.value)}
          />
        </label>
        <label>
          Password
          <input
            type="password"
            name="password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        {error !== "" && (
          <p className="login-error" role="alert">
            {error}
          </p>
        )}
        <button type="submit" className="button primary" disabled={busy}>
          Log in
        </button>
        <p className="hint">The first start prints the user and the password, or where the password is stored.</p>
      </form>
    </div>
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Where the visitor wanted to go; never another host. */
function backAddress(): string {
  const wanted = new URLSearchParams(window.location.search).get("next") ?? "/";
  return wanted.startsWith("/") && !wanted.startsWith("//") && !wanted.startsWith("/\\") ? wanted : "/";
}
