// Subscribes to a channel by server-sent events, and resumes after its last event.
//
//     java examples/clients/java/Resume.java http://127.0.0.1:4000/graphql alice TOKEN [CURSOR_FILE]
//
// Prints one line of JSON for each result. It needs Java 17 and no library: it passes the JSON of a
// result on as text, which your JSON library reads. The rules that it follows:
// docs/protocols/resume.md.

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.HttpURLConnection;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Pattern;

public class Resume {
  static final String QUERY = "subscription Listen($clientId: ID!, $after: Cursor) {"
      + " channel(clientId: $clientId, after: $after, checkpoints: true) { kind cursor data gap { reason oldest } } }";
  // The members of a result have the order of the query.
  static final String RESULT = "{\"data\":{\"channel\":";
  static final Pattern CODE = Pattern.compile("\"code\":\"([A-Z_]+)\"");
  static final Set<String> RETRYABLE_ERRORS = Set.of("BROKER_UNAVAILABLE", "REGISTRY_UNAVAILABLE", "DRAINING",
      "LIMIT_EXCEEDED", "DELIVERY_FAILED", "NO_RESPONDER", "REQUEST_TIMEOUT");
  // The gateway sends a comment every 12 s (WARREN_KEEP_ALIVE). A response without a line for longer
  // is dead.
  static final int SILENCE_MS = 40_000;
  static final long FIRST_WAIT_MS = 500, LONGEST_WAIT_MS = 10_000;

  /** Coming back would not help. */
  static class Ended extends RuntimeException {
    Ended(String text) {
      super(text);
    }
  }

  /** The token was refused. After three in a row no valid token is available. */
  static class TokenRefused extends IOException {
    TokenRefused(String text) {
      super(text);
    }
  }

  final String url, clientId;
  final Supplier<String> freshToken;
  final Path cursorFile;
  String after;
  int failures, refused;

  Resume(String url, String clientId, Supplier<String> freshToken, Path cursorFile) throws IOException {
    this.url = url;
    this.clientId = clientId;
    this.freshToken = freshToken;
    this.cursorFile = cursorFile;
    if (cursorFile != null && Files.exists(cursorFile)) after = Files.readString(cursorFile);
  }

  /**
   * Calls handle with the JSON of each result once, across lost connections, and stores the cursor of
   * an event after handle has returned. Ends with Ended, or with what handle throws.
   */
  void run(Consumer<String> handle) throws InterruptedException {
    while (true) {
      try {
        oneResponse(handle);
      } catch (IOException lost) {
        refused = lost instanceof TokenRefused ? refused + 1 : 0;
        if (refused == 3) throw new Ended(lost.getMessage());
        System.err.println(lost.getMessage() + "; coming back");
      }
      // Full jitter, so that clients do not all reconnect at the same time.
      Thread.sleep(ThreadLocalRandom.current().nextLong(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS << failures)));
      failures = Math.min(failures + 1, 10);
    }
  }

  void oneResponse(Consumer<String> handle) throws IOException {
    var connection = (HttpURLConnection) new URL(url).openConnection();
    connection.setConnectTimeout(SILENCE_MS);
    connection.setReadTimeout(SILENCE_MS);
    connection.setDoOutput(true);
    connection.setRequestProperty("content-type", "application/json");
    connection.setRequestProperty("accept", "text/event-stream");
    connection.setRequestProperty("authorization", "Bearer " + freshToken.get());
    var body = "{\"query\":" + quoted(QUERY) + ",\"variables\":{\"clientId\":" + quoted(clientId)
        + ",\"after\":" + (after == null ? "null" : quoted(after)) + "}}";
    try {
      connection.getOutputStream().write(body.getBytes(StandardCharsets.UTF_8));
      int status = connection.getResponseCode();
      if (status == 401) throw new TokenRefused("401 no valid token");
      if (status == 429 || status >= 500) throw new IOException("status " + status);
      if (status != 200) throw new Ended("status " + status);
      read(new BufferedReader(new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8)), handle);
    } finally {
      connection.disconnect();
    }
  }

  void read(BufferedReader lines, Consumer<String> handle) throws IOException {
    String cursor = null;
    for (String line; (line = lines.readLine()) != null;) {
      if (line.startsWith("id: ")) cursor = line.substring(4);
      if (line.equals("event: complete")) throw new Ended("the channel has ended");
      if (!line.startsWith("data: ")) continue;
      var result = line.substring(6);
      if (!result.startsWith(RESULT)) throw refusal(result);
      failures = refused = 0;
      if (!result.startsWith(RESULT + "{\"kind\":\"CHECKPOINT\"")) handle.accept(result);
      store(cursor);
    }
    throw new IOException("the response has ended");
  }

  static IOException refusal(String result) {
    var codes = CODE.matcher(result).results().map(found -> found.group(1)).toList();
    if (codes.isEmpty() || !RETRYABLE_ERRORS.containsAll(codes)) throw new Ended(result);
    return new IOException(result);
  }

  /** Replaces the file as a whole: a process that is killed leaves the old cursor or the new one. */
  void store(String cursor) {
    after = cursor;
    if (cursorFile == null) return;
    var written = Path.of(cursorFile + ".new");
    try {
      Files.writeString(written, cursor);
      Files.move(written, cursorFile, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  static String quoted(String text) {
    return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }

  public static void main(String[] args) throws Exception {
    if (args.length < 3) {
      System.err.println("expected: URL CLIENT_ID TOKEN [CURSOR_FILE]");
      System.exit(2);
    }
    // In your program: ask your back end for a token, because this one expires.
    var resume = new Resume(args[0], args[1], () -> args[2], args.length > 3 ? Path.of(args[3]) : null);
    try {
      resume.run(System.out::println);
    } catch (Ended ended) {
      System.err.println(ended.getMessage());
      System.exit(1);
    }
  }
}
