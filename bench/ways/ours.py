"""The function as it is deployed: TensorFlow's C library, and no `import tensorflow`."""

import handler

answer_http = handler.http_interface
predict = handler.model.session.predict
