-- What waits for Brain says when it happened, as what is told of from now on does.
UPDATE outbox
SET content = json_set(content, '$.at', strftime('%Y-%m-%dT%H:%M:%fZ', created_at / 1000.0, 'unixepoch'))
WHERE delivered_at IS NULL AND typeof(created_at) = 'integer' AND json_valid(content)
    AND json_type(content) = 'object';

-- An earlier host parked what Brain refused to anybody, of which no event is at fault.
UPDATE outbox SET parked_at = NULL, rejections = 0, not_before = 0
WHERE parked_at IS NOT NULL
    AND (last_error LIKE 'brain answered 401:%' OR last_error LIKE 'brain answered 403:%'
        OR last_error LIKE 'brain answered 404:%');
